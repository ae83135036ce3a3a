"""The state of pushes: a JSON file that records what was pushed where, kept between CI runs.

The rules read it to skip deployments that are up to date. `push.py`, which runs in the Truss tool,
reads and writes it. Standard library only.

    {"version": 1, "deployments": [{"remote": "baseten", "remote_url": "https://app.baseten.co",
      "team": null, "model_name": "sentiment", "environment": null, "deployment_name": null,
      "tree_digest": "sha256:...", "deployment_id": "...", ...}]}

An entry describes one remote, team, model and environment. `pending` exists during a push, and
remains if a run was killed.
"""

from __future__ import annotations

import fcntl
import json
import os
import tempfile
from contextlib import contextmanager
from enum import Enum
from pathlib import Path
from typing import Any, Callable, Dict, Iterator, List, NamedTuple, Optional, Sequence

VERSION = 1

Entry = Dict[str, Any]


class StateError(ValueError):
    """The file is not a state file of this plugin."""


class DeploymentSlot(NamedTuple):
    """Identifies what can hold one deployment at a time: see `core.push.PushOptions.place`.

    No team and no environment mean the defaults of the remote. No URL matches any URL, because the
    URL of a remote without credentials is unknown.
    """

    remote: str
    remote_url: Optional[str]
    team: Optional[str]
    model_name: str
    environment: Optional[str]
    deployment_name: Optional[str]

    def is_of(self, entry: Entry) -> bool:
        return all(
            entry.get(name) == value
            for name, value in self._asdict().items()
            if name != "remote_url" or value is not None
        )

    def __str__(self) -> str:
        place = f"team {self.team} at {self.remote}" if self.team else self.remote
        if self.environment:
            place += f", environment {self.environment}"
        return f"{place}, deployment name {self.deployment_name}" if self.deployment_name else place


class Content(NamedTuple):
    """The pushed content: the digest of the gathered tree, and its options."""

    tree_digest: str
    options: Sequence[str] = ()

    def is_of(self, entry: Entry) -> bool:
        return (entry.get("tree_digest"), entry.get("options", [])) == (
            self.tree_digest,
            list(self.options),
        )


def read(path: str) -> List[Entry]:
    """Returns the entries; none if there is no file."""
    try:
        data = json.loads(Path(path).read_bytes())
    except FileNotFoundError:
        return []
    except (ValueError, OSError, RecursionError) as e:
        raise StateError(f"{path} cannot be read as the state of pushes: {e}.{_REMEDY}") from None
    entries = data.get("deployments") if isinstance(data, dict) else None
    if not isinstance(entries, list) or not all(isinstance(entry, dict) for entry in entries):
        raise StateError(
            f"{path} is not a state file of pushes: it has no list `deployments`.{_REMEDY}"
        )
    if data.get("version") != VERSION:
        raise StateError(
            f"{path} has version {data.get('version')!r}, but this plugin reads version "
            f"{VERSION}.{_REMEDY}"
        )
    for number, entry in enumerate(entries):
        _check(path, f"deployments[{number}]", entry, _KINDS)
        if entry.get("pending") is not None:
            _check(path, f"deployments[{number}].pending", entry["pending"], _PENDING_KINDS)
    return entries


def _check(path: str, where: str, entry: Entry, kinds: Dict[str, str]) -> None:
    """Raises `StateError` for a value of the wrong type, because a user may have edited the file. A
    key that the file lacks, or that this release does not know, is not an error."""
    for key, kind in kinds.items():
        value = entry.get(key)
        if value is not None and not _IS[kind](value):
            raise StateError(
                f"{path}: `{where}.{key}` must be {kind}, but is {value!r}. Correct it, or remove "
                f"the entry to push its truss again."
            )


def _is_strings(value: object) -> bool:
    return isinstance(value, list) and all(isinstance(each, str) for each in value)


_IS: Dict[str, Callable[[Any], bool]] = {
    "a string": lambda value: isinstance(value, str),
    # JSON of Python has NaN and infinity, too.
    "a number": lambda value: type(value) in (int, float) and abs(value) < 2**53,
    "true or false": lambda value: isinstance(value, bool),
    "a list of strings": _is_strings,
    "an object": lambda value: isinstance(value, dict),
}
_KINDS = {
    **{name: "a string" for name in DeploymentSlot._fields},
    **{name: "a string" for name in ("target", "tree_digest", "deployment_id", "model_id")},
    **{name: "a string" for name in ("status", "pushed_at", "predict_url", "logs_url")},
    "options": "a list of strings",
    "asked": "a number",
    "live": "true or false",
    "pending": "an object",
}
_PENDING_KINDS = {
    "tree_digest": "a string",
    "options": "a list of strings",
    "known": "a list of strings",
    "began": "a number",
    "process": "a number",
}


_REMEDY = " Restore it, or delete it to push every truss again."


def find(entries: Sequence[Entry], identity: DeploymentSlot) -> Optional[Entry]:
    return next((entry for entry in entries if identity.is_of(entry)), None)


def update(path: str, identity: DeploymentSlot, change: Callable[[Entry], None]) -> Entry:
    """Changes one entry, and creates it if needed. Safe with concurrent processes: a killed process
    leaves either the old or the new file. A link stays one: the file behind it changes."""
    path = os.path.realpath(path)
    folder = os.path.dirname(os.path.abspath(path))
    try:
        os.makedirs(folder, exist_ok=True)
        return _update_locked(path, folder, identity, change)
    except OSError as e:
        raise StateError(
            f"{path} cannot be written: {e}. Free the disk, or make it writable, and run again: "
            f"what was pushed is looked for at the remote."
        ) from None


def _update_locked(
    path: str, folder: str, identity: DeploymentSlot, change: Callable[[Entry], None]
) -> Entry:
    with _locked(folder):
        # A process that was killed has left these: others write only with the lock.
        for leftover in Path(folder).glob(f"{_TEMPORARY}*"):
            leftover.unlink()
        entries = read(path)
        entry = find(entries, identity)
        if entry is None:
            entry = dict(identity._asdict())
            entries.append(entry)
        change(entry)
        if not (entry.get("deployment_id") or entry.get("pending")):
            entries.remove(entry)
        entries.sort(key=lambda e: [str(e.get(name) or "") for name in DeploymentSlot._fields])
        _replace(path, folder, {"version": VERSION, "deployments": entries})
    return entry


_TEMPORARY = ".truss-publish-"


@contextmanager
def _locked(folder: str) -> Iterator[None]:
    # Locks the folder, because the file itself is replaced.
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def _replace(path: str, folder: str, data: Any) -> None:
    descriptor, temporary = tempfile.mkstemp(dir=folder, prefix=_TEMPORARY)
    try:
        with os.fdopen(descriptor, "w") as file:
            json.dump(data, file, indent=2, sort_keys=True)
            file.write("\n")
            file.flush()
            os.fsync(file.fileno())
        os.chmod(temporary, 0o644)
        os.replace(temporary, path)
    except BaseException:
        os.unlink(temporary)
        raise


def mark(entry: Optional[Entry]) -> str:
    """What another run changes when it begins a push, or makes a deployment; not what it asks."""
    entry = entry or {}
    facts = [entry.get("deployment_id"), entry.get("pending")]
    return json.dumps(facts, sort_keys=True) if any(facts) else ""


class Kind(str, Enum):
    """`ASK` means that the remote must say if the last push came up; its answer may change the kind
    to `STARTING`."""

    PUSH = "push"
    SKIP = "skip"
    ASK = "ask"
    STARTING = "starting"


class Decision(NamedTuple):
    """`why` is part of a message."""

    kind: Kind
    why: str


def decide(entry: Optional[Entry], content: Content, skip_unchanged: bool) -> Decision:
    """Decides what to do with a truss, from what is known before a remote is asked."""
    if entry is None or not (entry.get("deployment_id") or entry.get("pending")):
        return Decision(Kind.PUSH, "no recorded push")
    if "pending" in entry:
        return Decision(Kind.PUSH, "the result of the last push is unknown")
    if not skip_unchanged:
        return Decision(Kind.PUSH, "`[truss-publish].skip_unchanged` is off")
    if not content.is_of(entry):
        return Decision(Kind.PUSH, _difference(entry, content))
    if not entry.get("live") and not entry.get("model_id"):
        why = "the record of the last push lacks the id to ask the remote with"
        return Decision(Kind.PUSH, why)
    deployment = f"unchanged: {short(content.tree_digest)} is deployment {entry['deployment_id']}"
    return Decision(Kind.SKIP if entry.get("live") else Kind.ASK, deployment)


def _difference(entry: Entry, content: Content) -> str:
    before = str(entry.get("tree_digest"))
    if before == content.tree_digest:
        return f"options differ from those of deployment {entry['deployment_id']}"
    return f"changed since deployment {entry['deployment_id']} ({short(before)})"


def short(digest: str) -> str:
    """Shortens a digest for logs: `sha256:` and 12 hex digits."""
    return digest[: len("sha256:") + 12]
