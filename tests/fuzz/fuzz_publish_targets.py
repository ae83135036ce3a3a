"""Fuzz targets for what publishing and verification read: states, .trussrc, manifests, tars."""

from __future__ import annotations

import hashlib
import json
import os
import re
import tempfile
from pathlib import Path
from typing import Any, Callable, Dict, List, Optional

from fuzz.checks import allowed, check_text, require
from pants_truss.core.errors import TrussError
from pants_truss.core.manifest import FILE_SUFFIX, read_tree_digest
from pants_truss.core.push import check_args, check_name, find_access
from pants_truss.core.terminal import visible
from pants_truss.core.verification import FoundFile, layout_problems, truss_problems
from pants_truss.publish import state
from pants_truss.testutil.scripts import import_scripts

_PLUGIN = Path(state.__file__).resolve().parent.parent
baseten, record, redact, truss_cli = import_scripts(
    ["baseten", "record", "redact", "truss_cli"],
    *(_PLUGIN / folder for folder in ("publish/scripts", "publish", "serving/scripts", "core")),
)
_MEMORY = Path("/dev/shm")
# Removed at the end of a test run; atheris ends its process without cleaning up.
_TEMPORARY = tempfile.TemporaryDirectory(prefix="fuzz-", dir=_MEMORY if _MEMORY.is_dir() else None)
_FOLDER = Path(_TEMPORARY.name)
_SLOT = state.DeploymentSlot("baseten", None, None, "m", None, None)
_HEX = "a" * 64


def fuzz_state(data: bytes) -> None:
    """The state of pushes. It raises `StateError`; what is written can be read again."""
    path = _FOLDER / "state.json"
    path.write_bytes(data)
    content = state.Content(f"sha256:{_HEX}", ("--promote",))
    with allowed(state.StateError):
        entries = state.read(str(path))
        for entry in entries:
            state.mark(entry)
            state.decide(entry, content, True)
        state.find(state.read(str(path)), _SLOT)
    # The scripts import it under another name.
    with allowed(record.state.StateError):
        recorded = record.Record(str(path), _SLOT, content)
        recorded.decide(True)
        record._answer_counts(recorded.entry)
        record._is_under_way(recorded.entry.get("pending"))
        recorded.registered(baseten.Model("i", [baseten.Deployment("d", "ACTIVE")]))
    with allowed(state.StateError):
        state.update(str(path), _SLOT, lambda entry: entry.update(deployment_id="d"))
        found = state.find(state.read(str(path)), _SLOT)
        require(found and found["deployment_id"] == "d", "the entry was not written")


class _Response:
    """A response of `requests`."""

    def __init__(self, status_code: int, content: bytes) -> None:
        self.status_code, self._content = status_code, content

    def json(self) -> Any:
        return json.loads(self._content)


def fuzz_answer(data: bytes) -> None:
    """The answer of a remote to a push, and what Truss prints. Nothing raises. The ids are written
    into the state, which holds strings only."""
    truss_cli._json(data.decode("utf-8", "replace"))
    for status in (200, 404, 502):
        answer = truss_cli._read(_Response(status, data))
        for each in (answer.model_id, answer.deployment_id):
            require(each is None or isinstance(each, str), "an id is not a string")


def fuzz_truss_tar(data: bytes) -> None:
    """The tar of a truss to verify. Nothing raises: it cannot be read, or differs."""
    # An environment that has atheris alone does not have Pants.
    from pants_truss.goals import verify

    (_FOLDER / f"t{FILE_SUFFIX}").write_bytes(b'{"files": [], "tree_digest": "x"}')
    (_FOLDER / "t.tar").write_bytes(data)
    for _, problems in verify.verify(_FOLDER):
        for problem in problems:
            check_text(visible(problem))


def fuzz_trussrc(data: bytes) -> None:
    """`.trussrc`. It raises `TrussError`; the secrets in it are found without an error."""
    path = _FOLDER / "trussrc"
    path.write_bytes(data)
    os.environ["USER_TRUSSRC_PATH"] = str(path)
    require(all(isinstance(each, str) for each in redact.secrets_of_user()), "a secret is not text")
    text = data.decode("utf-8", "replace")
    for remote in ("baseten", "prod"):
        with allowed(TrussError):
            access = find_access([remote], True, {}, "~/.trussrc", text, (0, 18, 35))
            require(len(access.urls) == 1, "a remote has several URLs")
    for check in (lambda: check_name(text, "the name"), lambda: check_args(text.split("\n"))):
        with allowed(TrussError):
            check()


def fuzz_manifest(data: bytes) -> None:
    """A manifest beside a truss, after it was parsed as JSON. Nothing raises."""
    read_tree_digest(data)
    try:
        manifest = json.loads(data)
    except (ValueError, RecursionError):
        return
    found: Dict[str, Optional[FoundFile]] = {
        "config.yaml": FoundFile(_HEX, 3, False),
        "link": None,
        "b\udcff": FoundFile("", 0, True),
    }
    every: List[Dict[str, Optional[FoundFile]]] = [found, {}, _same_files(manifest)]
    for files in every:
        for problem in truss_problems(manifest, files):
            check_text(visible(problem))


def _same_files(manifest: Any) -> Dict[str, Optional[FoundFile]]:
    """The files that a disk can have, as the manifest says."""
    try:
        found = {
            str(file["path"]): FoundFile(file["sha256"], file["size"], file["executable"])
            for file in manifest["files"]
        }
    except (KeyError, TypeError):
        return {}
    return {
        path: file
        for path, file in found.items()
        if re.fullmatch("[0-9a-f]{64}", str(file.sha256)) and not _LONE.search(path)
    }


# Halves of characters that no name of a file has.
_LONE = re.compile("[\ud800-\udc7f\udd00-\udfff]")


def fuzz_layout(data: bytes) -> None:
    """A layout to verify: `index.json`, then a line with `---`, then each blob. Nothing raises."""
    index, *blobs = data.split(b"\n---\n")
    files = {f"blobs/sha256/{hashlib.sha256(blob).hexdigest()}": blob for blob in blobs}
    # The blob that others refer to by a digest that fuzzing need not compute.
    files[f"blobs/sha256/{_HEX}"] = blobs[-1] if blobs else b""

    def hashed(path: str) -> Optional[FoundFile]:
        # The size is the one in the descriptors of the seeds, even if fuzzing changes the content.
        return FoundFile(path[-64:], 7, False) if path in files else None

    for problem in layout_problems({**files, "index.json": index}.get, hashed):
        # `truss-verify` prints it so; it may quote what the layout says.
        check_text(visible(problem))


PUBLISH_TARGETS: Dict[str, Callable[[bytes], None]] = {
    "state": fuzz_state,
    "answer": fuzz_answer,
    "truss_tar": fuzz_truss_tar,
    "trussrc": fuzz_trussrc,
    "manifest": fuzz_manifest,
    "layout": fuzz_layout,
}
