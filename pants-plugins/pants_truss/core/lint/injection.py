"""Values that Truss writes as they are into a Dockerfile, a command, or the config of a server.

Each is held against the grammar of its place, not against a list of bad characters. The places are
those in `truss/templates/*.jinja` and `serving_image_builder.py` of Truss 0.18.35, which render
without escapes. `build_commands` are commands by design, and `environment_variables` stay in the
config, but for two.
"""

from __future__ import annotations

import re
import shlex
from typing import Any, Iterator, Optional, Pattern, Tuple

from pants_truss.core.lint.problem import Data, Key, Problem, dotted, items, mapping, mappings

_LABEL = r"[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?"
_DOMAIN = rf"(?:{_LABEL}(?:\.{_LABEL})*|\[[A-Fa-f0-9:]+\])(?::[0-9]+)?"
_COMPONENT = r"[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*"
_ALGORITHM = r"[A-Za-z][A-Za-z0-9]*(?:[-_+.][A-Za-z][A-Za-z0-9]*)*"


def _compile(pattern: str) -> Pattern[str]:
    return re.compile(pattern, re.ASCII)


# As in `distribution/reference`, the grammar that container tools share.
IMAGE = _compile(
    rf"(?:{_DOMAIN}/)?{_COMPONENT}(?:/{_COMPONENT})*(?::[A-Za-z0-9_][A-Za-z0-9_.-]{{0,127}})?"
    rf"(?:@{_ALGORITHM}:[0-9a-fA-F]{{32,}})?"
)
_EXECUTABLE = _compile(r"/[A-Za-z0-9._+/-]+")
# A Debian package, with its architecture, and its version or release.
_PACKAGE = _compile(
    r"[a-z0-9][a-z0-9+.-]*\*?(?::[a-z0-9-]+)?(?:=[A-Za-z0-9.+:~*-]+|/[A-Za-z0-9._~+-]+)?"
)
_APT_OPTIONS = ("--no-install-recommends", "--install-recommends", "--allow-downgrades")
_FOLDER = _compile(r"(?!-)[A-Za-z0-9_@%+=:,./-]+")
_SECRET_NAME = _compile(r"[-._A-Za-z0-9]{1,253}|DOCKER_REGISTRY_[A-Za-z0-9._:/-]+")
_SECRET_PATH = _compile(r"/[A-Za-z0-9._/+@%=:-]+")
_URL = _compile(r"(?:https?|ftp|s3|gs)://[^\s\x00-\x20\x7f]+")
_ENDPOINT = _compile(r"/[A-Za-z0-9._~!&()*+,=:@%/?-]*")
_REPOSITORY = _compile(r"(?:(?:gs|s3)://)?[A-Za-z0-9][A-Za-z0-9_.-]*(?:/[A-Za-z0-9_.-]+)*/?")
_REVISION = _compile(r"(?:[A-Za-z0-9][A-Za-z0-9._/+@-]*)?")
_VARIABLE = _compile(r"[-._A-Za-z][-._A-Za-z0-9]*")
_QUOTED = _compile(r'[^"$\\\r\n]*')


def injection_problems(data: Data) -> Iterator[Problem]:
    for key, value, pattern, place, remedy in _places(data):
        if isinstance(value, str) and value and not pattern.fullmatch(value):
            yield _problem(key, value, place, remedy)
    yield from _check_start_command(data)
    yield from _check_local_paths(data)


def _problem(key: Key, value: str, place: str, remedy: str) -> Problem:
    return Problem(
        key,
        f"`{dotted(key)}` is written into {place} as it is, and {_blame(value)}. {remedy}",
        rule="injection",
    )


def _blame(value: str) -> str:
    """Describes the part of the value that is not plain text. The value itself is not shown: it
    may be long or confidential."""
    names = {"\n": "a line break", "\r": "a line break", " ": "a space", "\t": "a tab"}
    for char in value:
        if char in names or char in "\"'`$\\;&|<>(){}[]*?#!~,":
            return f"has {names.get(char, repr(char))}"
        if ord(char) < 33 or ord(char) > 126:
            return f"has the character {char!a}"
    if value.startswith("-"):
        return "begins with `-`, as an option does"
    return "does not have the form of one"


_Place = Tuple[Key, Any, Pattern[str], str, str]


def _places(data: Data) -> Iterator[_Place]:
    image = mapping(data, "base_image")
    yield (
        ("base_image", "image"),
        image.get("image"),
        IMAGE,
        "`FROM` of the Dockerfile",
        "Write a reference such as `registry.example.com:5000/team/image:1.0`, in lower case but "
        "for the tag.",
    )
    yield (
        ("base_image", "python_executable_path"),
        image.get("python_executable_path"),
        _EXECUTABLE,
        "`RUN` and `ENTRYPOINT` of the Dockerfile",
        "Write a path such as `/usr/bin/python3`.",
    )
    for key, entry in items(data, "system_packages"):
        words = entry.split() if isinstance(entry, str) else []
        bad = [w for w in words if not _PACKAGE.fullmatch(w) and w not in _APT_OPTIONS]
        for word in bad[:1]:
            yield (
                key,
                word,
                _PACKAGE,
                "the arguments of `apt-get install`",
                "Write the name of a package, or `name=version`.",
            )
    for name in ("data_dir", "bundled_packages_dir"):
        yield (
            (name,),
            data.get(name),
            _FOLDER,
            "`COPY` of the Dockerfile",
            "Rename the folder to letters, digits, `_`, `-` and `.`.",
        )
    yield from _secret_places(data)
    yield from _model_cache_places(data)
    yield from _endpoint_places(data)
    for key, entry in mappings(data, "external_data"):
        yield (
            (*key, "url"),
            entry.get("url"),
            _URL,
            "the arguments of `curl`",
            "Write a URL that begins with `https://`.",
        )
    for name, value in mapping(data, "environment_variables").items():
        key = ("environment_variables", name)
        remedy = "Write letters, digits and `_`."
        yield key, name, _VARIABLE, "the environment of the server", remedy
        if name in ("PORT", "HOSTNAME"):
            yield key, str(value), _QUOTED, "`ENV` of the Dockerfile", "Write it without."


def _secret_places(data: Data) -> Iterator[_Place]:
    for name, path in mapping(data, "build", "secret_to_path_mapping").items():
        key = ("build", "secret_to_path_mapping", name)
        place = "`RUN --mount` of the Dockerfile"
        yield key, name, _SECRET_NAME, place, "Write letters, digits, `-`, `_` and `.`."
        yield key, path, _SECRET_PATH, place, "Write an absolute path of plain characters."


def _model_cache_places(data: Data) -> Iterator[_Place]:
    for key, entry in mappings(data, "model_cache"):
        if not entry.get("use_volume"):
            place = "`RUN` of the Dockerfile"
            yield (*key, "repo_id"), entry.get("repo_id"), _REPOSITORY, place, "Write `owner/name`."
            remedy = "Write a branch, tag or commit."
            yield (*key, "revision"), entry.get("revision"), _REVISION, place, remedy


def _endpoint_places(data: Data) -> Iterator[_Place]:
    server = mapping(data, "docker_server")
    if server.get("no_build"):
        return
    for name in ("predict_endpoint", "readiness_endpoint", "liveness_endpoint"):
        yield (
            ("docker_server", name),
            server.get(name),
            _ENDPOINT,
            "`rewrite` of the config of nginx",
            "Write a path such as `/v1/predict`.",
        )


def _check_local_paths(data: Data) -> Iterator[Problem]:
    for entry_key, entry in mappings(data, "external_data"):
        path = entry.get("local_data_path")
        if not isinstance(path, str):
            continue
        if path.startswith("/") or ".." in path.split("/") or re.search(r"[\r\n\0]", path):
            key = (*entry_key, "local_data_path")
            yield Problem(
                key,
                f"`{dotted(key)}` leaves the data folder of the image, or has a line break. Write "
                f"a path relative to it.",
                rule="injection",
            )


def _check_start_command(data: Data) -> Iterator[Problem]:
    server = mapping(data, "docker_server")
    command = server.get("start_command")
    if not isinstance(command, str) or server.get("no_build"):
        return
    problem = _start_command_problem(command)
    if problem:
        yield Problem(
            ("docker_server", "start_command"),
            f"`docker_server.start_command` is written into the config of supervisord, {problem}",
            rule="injection",
        )


def _start_command_problem(command: str) -> Optional[str]:
    if re.search(r"%(?!\(\w+\)s)", command.replace("%%", "")):
        return "where a single `%` is an error. Write `%%`."
    if "\r" in command:
        return "which treats text after a carriage return as a new line. Remove it."
    if re.search(r"(?:^|[ \t])[;#]", command.strip()):
        return (
            "which ends at ` ;` and ` #`, also between quotes. Move the command to a script, or "
            "write `;` without a space before it."
        )
    try:
        words = shlex.split(command)
    except ValueError:
        return "where its quotes do not match. Close them."
    operators = [word for word in words if word in ("&&", "||", "|", ">", ">>", "<", "2>&1")]
    if operators:
        return (
            f"which starts no shell: {operators[0]!r} would be an argument. Write "
            f"`sh -c '...'` around it."
        )
    return None
