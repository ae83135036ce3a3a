"""Fuzz targets for images: base images, layers, metadata of wheels, Dockerfiles, references."""

from __future__ import annotations

import hashlib
import json
import tempfile
from pathlib import Path
from typing import Any, Callable, Dict

from fuzz.checks import allowed, check_text, require
from pants_truss.core import dockerfile
from pants_truss.core.errors import TrussError
from pants_truss.core.lint.injection import injection_problems
from pants_truss.core.oci import base_image, whiteouts
from pants_truss.core.oci.documents import Platform, config_blob, manifest_blob
from pants_truss.core.oci.pip_installed import as_pip_installs, describe_collisions
from pants_truss.core.oci.platforms import parse_platform
from pants_truss.core.oci.reference import parse_reference
from pants_truss.core.oci.sys_path_hook import record_without_byte_code, script_for_image
from pants_truss.core.oci.unsupported_keys import unknown_commands
from pants_truss.core.terminal import visible
from pants_truss.testutil.scripts import import_scripts

_PLUGIN = Path(base_image.__file__).resolve().parent.parent.parent
(inspect_base,) = import_scripts(["inspect_base"], _PLUGIN / "image/scripts", _PLUGIN / "core")
_MEMORY = Path("/dev/shm")
# Removed at the end of a test run; atheris ends its process without cleaning up.
_TEMPORARY = tempfile.TemporaryDirectory(prefix="fuzz-", dir=_MEMORY if _MEMORY.is_dir() else None)
_FOLDER = Path(_TEMPORARY.name)
_PLATFORM = Platform("linux", "amd64")
_WHAT = "t:image: the base image x"


def fuzz_base_image(data: bytes) -> None:
    """Documents of a base image, as the values of one object. They raise `TrussError`. The
    manifest and the config that are made from them are JSON."""
    try:
        parts = json.loads(data)
    except (ValueError, RecursionError):
        parts = {}
    get = parts.get if isinstance(parts, dict) else {}.get
    with allowed(TrussError):
        base_image.document(data, _WHAT)
    for is_layout in (True, False):
        with allowed(TrussError):
            index = base_image.document(_bytes(get("index")), _WHAT)
            choice = base_image.choose(index, _PLATFORM, _WHAT, is_layout=is_layout)
            base_image.check_blob(choice.descriptor, "a" * 64, 7, _WHAT)
    with allowed(TrussError):
        manifest = base_image.manifest(base_image.document(_bytes(get("manifest")), _WHAT), _WHAT)
        _strict_json(manifest_blob(manifest.config, manifest.as_json, {}).content)
    with allowed(TrussError):
        config = base_image.document(_bytes(get("config")), _WHAT)
        base_image.check_config(config, 1, _PLATFORM, _WHAT)
        base_image.environment(config)
        _strict_json(config_blob(config, _PLATFORM, {"Env": []}, (), 0).content)


def _bytes(document: Any) -> bytes:
    return json.dumps(document).encode("ascii")


def _strict_json(content: bytes) -> None:
    def refuse(word: str) -> float:
        require(False, f"{word} is not JSON")
        return 0.0

    json.loads(content, parse_constant=refuse)


def fuzz_layer(data: bytes) -> None:
    """A layer of a base image: a tar, with gzip or zstandard or without. It raises `BadBase`."""
    path = _FOLDER / "layer"
    path.write_bytes(data)
    spec = {
        "layers": [str(path)],
        "diff_ids": [_digest_of(path)],
        "path": "/opt/venv/bin:/usr/bin:bin",
        "python": "python3",
        "ours": ["app", "packages", "opt/truss"],
        "new": ["opt/truss"],
    }
    try:
        described = inspect_base.inspect(spec)
    except inspect_base.BadBase as e:
        json.dumps(str(e))
        return
    for value in described.values():
        require(not value.startswith("/") and ".." not in value.split("/"), f"{value!r} leads out")
        value.encode("utf-8")


def _digest_of(path: Path) -> str:
    try:
        content = inspect_base.uncompressed(str(path)).read(1 << 24)
    except Exception:
        # Each decompressor has its own errors. The layer is refused for the same reason.
        return ""
    return f"sha256:{hashlib.sha256(content).hexdigest()}"


def fuzz_record(data: bytes) -> None:
    """`RECORD` and `entry_points.txt` of a wheel, with a line of `---` between. Nothing raises."""
    record, _, entry_points = data.partition(b"\n---\n")
    metadata = {"a-1.dist-info/RECORD": record, "a-1.dist-info/entry_points.txt": entry_points}
    written = as_pip_installs(metadata, {"bin/a", "bin/b"})
    require("a-1.dist-info/INSTALLER" in written, "the installer is missing")
    describe_collisions(
        {"a-1.dist-info/RECORD": record, "b-1.dist-info/RECORD": b"a,sha256=x,1"}, {}
    )
    whiteouts.distribution_of("a/.wh.b", {"a-1.dist-info/RECORD": record})
    with allowed(TrussError):
        whiteouts.refuse_in_distributions(["a/.wh.b"], {"a-1.dist-info/RECORD": record})
    record_without_byte_code(record)
    script_for_image(entry_points)


def fuzz_dockerfile(data: bytes) -> None:
    """A Dockerfile, and each line as a reference, a platform and a command. They raise
    `TrussError`."""
    text = data.decode("utf-8", "replace")
    instructions = dockerfile.parse(text)
    with allowed(TrussError):
        dockerfile.base_of(instructions)
    dockerfile.settings(instructions, {"PATH": "/bin", "A": "$A"})
    unknown_commands(instructions)
    for line in text.split("\n")[:20]:
        with allowed(TrussError):
            found = parse_reference(line)
            require(parse_reference(str(found)) == found, f"{line!r} is not the same reference")
            parse_reference(found.fetched)
            parse_reference(str(found.pinned(f"sha256:{hashlib.sha256(data).hexdigest()}")))
        with allowed(TrussError):
            require(str(parse_platform(line)) == line, f"{line!r} is not the same platform")
        server = {"start_command": line, "server_port": 8000}
        for problem in injection_problems({"docker_server": server}):
            check_text(visible(problem.message))


IMAGE_TARGETS: Dict[str, Callable[[bytes], None]] = {
    "base_image": fuzz_base_image,
    "layer": fuzz_layer,
    "record": fuzz_record,
    "dockerfile": fuzz_dockerfile,
}
