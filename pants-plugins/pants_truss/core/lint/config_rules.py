"""What Truss's loader checks beyond its schema, and what it lets through though it breaks later.

Each check takes the whole config; wrong types are skipped: `config_schema` reports them.
Source: the validators in `truss/base/truss_config.py` of Truss 0.18.35, unless a comment says so.
"""

from __future__ import annotations

import posixpath
import re
from typing import Any, Callable, Dict, Iterator, List, Optional, Tuple

from pants_truss.core.lint.config_schema import show
from pants_truss.core.lint.finding import Severity
from pants_truss.core.lint.problem import Data, Key, Problem, dotted, mapping, mappings
from pants_truss.core.lint.release import ReleaseTables
from pants_truss.core.truss_config import nearest_python_version, needs_model


def rule_problems(data: Data, release: ReleaseTables) -> Iterator[Problem]:
    for choices in _CHOICES:
        yield from choices(data, release)
    for check in _CHECKS:
        yield from check(data)


def _error(key: Key, message: str) -> Problem:
    return Problem(key, message)


def _deprecated(key: Key, message: str) -> Problem:
    return Problem(key, message, Severity.WARNING, "deprecated")


def _no_effect(key: Key, message: str) -> Problem:
    return Problem(key, message, Severity.WARNING, "no-effect")


# --- Python and requirements.


def _check_python_version(data: Data, release: ReleaseTables) -> Iterator[Problem]:
    value, known = data.get("python_version"), release.python_versions
    if isinstance(value, str) and known and value not in known:
        minor = re.search(r"3\.?([0-9]{1,4})", value)
        meant = nearest_python_version(int(minor.group(1))) if minor else "py311"
        yield _error(
            ("python_version",),
            f"`python_version` is {show((), value)}, but must be one of "
            f"{', '.join(known)}. "
            f"Write `python_version: {meant}`.",
        )
    elif value == "py39":
        yield _deprecated(
            ("python_version",),
            "`python_version: py39` is deprecated: Truss will drop Python 3.9. Write "
            "`python_version: py311` or later.",
        )


def _check_one_of(first: str, second: str) -> Callable[[Data], Iterator[Problem]]:
    def check(data: Data) -> Iterator[Problem]:
        if data.get(first) and data.get(second):
            yield _error((second,), f"`{first}` and `{second}` exclude each other. Keep one.")

    return check


# --- Resources.


def _check_resources(data: Data, release: ReleaseTables) -> Iterator[Problem]:
    resources = mapping(data, "resources")
    cpu, memory = resources.get("cpu"), resources.get("memory")
    if isinstance(cpu, str) and not (_is_float(cpu) or re.fullmatch(r"[0-9.]*[0-9]m", cpu)):
        yield _error(
            ("resources", "cpu"),
            f'`resources.cpu` is {show((), cpu)}. Write a number of cores, `cpu: "4"`, or of '
            f"thousandths, `cpu: 500m`.",
        )
    if isinstance(memory, str) and not (
        _is_float(memory) or re.fullmatch(r"(\d+(\.\d*)?|\.\d+)([kMGTPE]|[KMGTPE]i)", memory)
    ):
        yield _error(
            ("resources", "memory"),
            f"`resources.memory` is {show((), memory)}. Write a number with a unit: `memory: 2Gi`.",
        )
    yield from _check_accelerator(resources.get("accelerator"), release.accelerators)


def _is_float(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def _check_accelerator(value: Any, known: Optional[Tuple[str, ...]]) -> Iterator[Problem]:
    key = ("resources", "accelerator")
    if isinstance(value, dict):
        name, count = value.get("accelerator"), "1"
    elif isinstance(value, str):
        name, _, count = value.strip().partition(":")
        count = count if ":" in value else "1"
    elif value is None:
        return
    else:
        yield _error(
            key, f"`resources.accelerator` is {show(key, value)}. Write `accelerator: L4`."
        )
        return
    if name is not None and known and name not in known:
        yield _error(
            key,
            f"`resources.accelerator` is {show(key, value)}, but must be one of "
            f"{', '.join(known)}, with `:2` for two of them.",
        )
    elif not re.fullmatch(r"0*[1-9][0-9]*", count):
        # Truss takes `A10G:2:3` for one A10G. A number of any length: it is not converted.
        yield _error(
            key,
            f"`resources.accelerator` is {show(key, value)}: its count is not a whole number. "
            f"Write, for example, `L4:2`.",
        )


# --- Places of weights.


def _check_weights(data: Data, release: ReleaseTables) -> Iterator[Problem]:
    mounts: Dict[str, str] = {}
    for key, entry in mappings(data, "weights"):
        source, mount = entry.get("source"), entry.get("mount_location")
        if isinstance(source, str) and source:
            yield from _check_source((*key, "source"), source, release.weight_schemes)
        if isinstance(mount, str) and mount:
            yield from _check_absolute((*key, "mount_location"), mount)
            # `normpath` keeps two leading slashes.
            folder = posixpath.normpath("/" + mount.lstrip("/"))
            first = mounts.setdefault(folder, dotted(key))
            if first != dotted(key):
                yield _error(
                    (*key, "mount_location"),
                    f"`{dotted(key)}.mount_location` is {show(key, mount)}, as is that of "
                    f"`{first}`. Each needs a folder of its own.",
                )


def _check_source(key: Key, source: str, known: Optional[Tuple[str, ...]]) -> Iterator[Problem]:
    if known is None:
        return
    scheme, separator, rest = source.partition("://")
    if not separator or scheme not in known:
        yield _error(
            key,
            f"`{dotted(key)}` is {show(key, source)}. It must begin with one of "
            f"{', '.join(f'{each}://' for each in known)}.",
        )
    elif not rest or rest.startswith("/"):
        yield _error(
            key,
            f"`{dotted(key)}` is {show(key, source)}. Write a place after `{scheme}://`, such as "
            f"`{scheme}://bucket/folder`.",
        )
    elif "@" in rest and scheme not in ("hf", "https"):
        yield _error(
            key,
            f"`{dotted(key)}` is {show(key, source)}. Only hf:// has revisions after `@`.",
        )


def _check_absolute(key: Key, path: str) -> Iterator[Problem]:
    if not path.startswith("/"):
        yield _error(
            key, f"`{dotted(key)}` is {show(key, path)}, but must be absolute: begin it with `/`."
        )


def _check_model_cache(data: Data) -> Iterator[Problem]:
    uses = set()
    for key, entry in [*mappings(data, "model_cache"), *mappings(data, "hf_cache")]:
        if not entry.get("use_volume"):
            uses.add(False)
            continue
        uses.add(True)
        if not entry.get("volume_folder"):
            yield _error(key, f"`{dotted(key)}.volume_folder` is required with `use_volume: true`.")
        if entry.get("kind", "hf") == "hf" and not entry.get("revision"):
            yield _error(key, f"`{dotted(key)}.revision` is required with `use_volume: true`.")
    if len(uses) > 1:
        # Loads, and fails in the image build: `serving_image_builder.py`.
        name = "model_cache" if data.get("model_cache") else "hf_cache"
        yield _error((name,), f"`{name}` mixes entries with and without `use_volume: true`.")


# --- Images and servers.


def _check_base_image(data: Data) -> Iterator[Problem]:
    path = mapping(data, "base_image").get("python_executable_path")
    if isinstance(path, str) and path:
        yield from _check_absolute(("base_image", "python_executable_path"), path)


def _check_docker_server(data: Data) -> Iterator[Problem]:
    server = mapping(data, "docker_server")
    if not server:
        return
    command = server.get("start_command")
    # An empty one loads, and supervisord has nothing to start.
    if not server.get("no_build") and (command is None or not str(command).strip()):
        yield _error(
            ("docker_server",),
            "`docker_server.start_command` is missing; it is required unless `no_build` is true.",
        )
    if server.get("no_build") and not mapping(data, "base_image").get("image"):
        # Truss writes a Dockerfile with an empty FROM: `no_build.Dockerfile.jinja`.
        yield _error(
            ("docker_server", "no_build"),
            "`docker_server.no_build` needs `base_image.image`: that image is what is deployed.",
        )
    if server.get("run_as_user_id") in (0, 60000) and server.get("run_as_user_id") is not False:
        yield _error(
            ("docker_server", "run_as_user_id"),
            f"`docker_server.run_as_user_id` must not be {server['run_as_user_id']}, which is a "
            f"user of the image itself.",
        )
    if server.get("server_port") == 8080:
        # As the schema's description says; the loader lets it through.
        yield _error(
            ("docker_server", "server_port"),
            "`docker_server.server_port` is 8080, which the proxy in front of it uses. Take "
            "another, such as 8000.",
        )
    if mapping(data, "runtime", "remote_ssh").get("enabled") is True and (
        server.get("run_as_user_id") is not None
    ):
        yield _error(
            ("docker_server", "run_as_user_id"),
            "`docker_server.run_as_user_id` and `runtime.remote_ssh.enabled` exclude each other.",
        )


def _check_model_module_dir(data: Data) -> Iterator[Problem]:
    value = data.get("model_module_dir")
    if isinstance(value, str) and posixpath.normpath(value) != "model" and needs_model(data):
        # The image has the folder as /app/model, and the server looks where the config says.
        yield _error(
            ("model_module_dir",),
            f"`model_module_dir` is {show((), value)}: Truss copies that folder to /app/model in "
            f"the image and looks for the model elsewhere, where the config says. Name the folder "
            f"`model`, and remove the key.",
        )


# --- Environment.


def _check_environment(data: Data) -> Iterator[Problem]:
    variables = mapping(data, "environment_variables")
    for name, value in variables.items():
        key = ("environment_variables", name)
        if not isinstance(name, str):
            yield _error(
                key,
                f"the key {name!r} in `environment_variables` is not a string. Quote it.",
            )
        elif name in ("PORT", "HOSTNAME"):
            yield _no_effect(key, f"`{dotted(key)}` has no effect: the platform sets it.")
        elif value is None or isinstance(value, (dict, list)):
            kind = "null" if value is None else "a mapping" if isinstance(value, dict) else "a list"
            yield _no_effect(
                key,
                f"`{dotted(key)}` is {kind}, which Truss turns into Python's text for it"
                f"{', `None`' if value is None else ''}. Write a string, such as `{name}: \"\"`.",
            )


# --- Deprecated and removed keys.


def _check_deprecated(data: Data) -> Iterator[Problem]:
    if data.get("hf_cache"):
        successor = "`weights`, with `source: hf://owner/repo@revision` and `mount_location`"
        yield _deprecated(("hf_cache",), f"`hf_cache` is deprecated. Use {successor}.")
    elif data.get("model_cache"):
        successor = "`weights`, with `source` and `mount_location`; `truss migrate` rewrites it"
        yield _deprecated(("model_cache",), f"`model_cache` is deprecated. Use {successor}.")
    runtime = mapping(data, "runtime")
    if "num_workers" in runtime:
        yield _error(
            ("runtime", "num_workers"),
            "`runtime.num_workers` was removed in Truss 0.9.49. Remove it; "
            "`runtime.predict_concurrency` says how many requests run at a time.",
        )
    kind = mapping(runtime, "transport").get("kind")
    if runtime.get("is_websocket_endpoint") is True and kind != "websocket":
        yield _deprecated(
            ("runtime", "is_websocket_endpoint"),
            "`runtime.is_websocket_endpoint` is deprecated"
            + (f", and overrides `transport.kind: {kind}`" if isinstance(kind, str) else "")
            + ". Use `runtime.transport: {kind: websocket}`.",
        )
    if mapping(data, "build").get("no_cache"):
        yield _error(
            ("build", "no_cache"),
            "`build.no_cache` cannot be set in the config. Use `truss push --no-cache`.",
        )


_CHOICES: List[Callable[[Data, ReleaseTables], Iterator[Problem]]] = [
    _check_python_version,
    _check_resources,
    _check_weights,
]
_CHECKS: List[Callable[[Data], Iterator[Problem]]] = [
    _check_one_of("requirements", "requirements_file"),
    _check_one_of("model_cache", "weights"),
    _check_model_cache,
    _check_base_image,
    _check_docker_server,
    _check_model_module_dir,
    _check_environment,
    _check_deprecated,
]
