"""Compares what a folder, a tar or an image layout holds with what its manifest says."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import Any, Callable, Dict, Iterator, List, Mapping, Optional, Set

from pants_truss.core.tree_digest import tree_digest

# More would bury the first ones.
_MOST_SHOWN = 10
_DIGEST = re.compile(r"sha256:([0-9a-f]{64})")


@dataclass(frozen=True)
class FoundFile:
    """A file that was read. `sha256` is in hex, `size` in bytes."""

    sha256: str
    size: int
    is_executable: bool


def truss_problems(manifest: Any, found: Mapping[str, Optional[FoundFile]]) -> List[str]:
    """Return what is wrong with the files of a gathered truss, by path; none if all is as packaged.

    `manifest` is the parsed JSON of docs/truss-manifest.schema.json. In `found`, None stands for
    anything but a regular file, such as a link: a gathered truss has only regular files.
    """
    try:
        expected = {
            str(file["path"]): FoundFile(file["sha256"], file["size"], file["executable"])
            for file in manifest["files"]
        }
        digest = manifest["tree_digest"]
    except (KeyError, TypeError):
        return ["the manifest is not one that `pants package` writes"]
    problems = [
        problem
        for path in sorted({*expected, *found})
        for problem in _file_problem(path, expected.get(path), found)
    ]
    hidden = len(problems) - _MOST_SHOWN
    if hidden > 0:
        problems = [*problems[:_MOST_SHOWN], f"and {hidden} more"]
    if not problems and digest != _tree_digest(expected):
        problems.append(f"the manifest's `tree_digest` {digest} is not that of its files")
    return problems


def _file_problem(
    path: str, expected: Optional[FoundFile], found: Mapping[str, Optional[FoundFile]]
) -> Iterator[str]:
    shown = json.dumps(path, ensure_ascii=True)[1:-1]
    if path not in found:
        yield f"{shown} is missing"
        return
    file = found[path]
    if file is None:
        yield f"{shown} is not a regular file"
    elif expected is None:
        yield f"{shown} is not in the manifest"
    elif file.size != expected.size:
        yield f"{shown} has {file.size} bytes instead of {expected.size}"
    elif file.sha256 != expected.sha256:
        yield f"{shown} has other content: sha256 {file.sha256} instead of {expected.sha256}"
    elif file.is_executable != expected.is_executable:
        yield f"{shown} is {'' if file.is_executable else 'not '}executable"


def _tree_digest(files: Mapping[str, FoundFile]) -> str:
    return tree_digest((path, file.sha256, file.is_executable) for path, file in files.items())


def layout_problems(
    read: Callable[[str], Optional[bytes]], hashed: Callable[[str], Optional[FoundFile]]
) -> List[str]:
    """Return what is wrong with an OCI image layout: a blob that is missing, truncated or other
    than its descriptor says. Paths are relative to the layout, and None stands for no such file.

    `read` returns the content of a document, `hashed` the digest of a blob without keeping it.
    """
    index = _json(read("index.json"))
    if not isinstance(index, dict) or not isinstance(index.get("manifests"), list):
        return ["index.json is missing or not an image index"]
    problems: List[str] = []
    todo: List[Any] = [*index["manifests"]]
    done: Set[str] = set()
    while todo:
        descriptor = todo.pop(0)
        digest = descriptor.get("digest") if isinstance(descriptor, dict) else None
        match = _DIGEST.fullmatch(digest) if isinstance(digest, str) else None
        if not match:
            problems.append(f"a descriptor has no sha256 digest: {json.dumps(descriptor)[:200]}")
        elif match.group() not in done:
            done.add(match.group())
            blob = f"blobs/sha256/{match.group(1)}"
            problem = _blob_problem(blob, descriptor, hashed(blob))
            problems += [problem] if problem else []
            if not problem and "json" in str(descriptor.get("mediaType")):
                todo += _descriptors(_json(read(blob)))
    return problems


def _blob_problem(path: str, descriptor: Dict[str, Any], found: Optional[FoundFile]) -> str:
    if found is None:
        return f"{path} is missing"
    if found.size != descriptor.get("size"):
        return f"{path} has {found.size} bytes instead of {descriptor.get('size')}"
    if found.sha256 != path.rpartition("/")[2]:
        return f"{path} has other content: its sha256 is {found.sha256}"
    return ""


def _descriptors(document: Any) -> List[Any]:
    """Returns the descriptors of an index's manifests, or of a manifest's config and layers."""
    if not isinstance(document, dict):
        return []
    lists = [document.get("manifests"), document.get("layers")]
    found = [entry for entries in lists if isinstance(entries, list) for entry in entries]
    config = document.get("config")
    # A config has a `config` of its own, which is not a descriptor.
    return [*found, config] if isinstance(config, dict) and "digest" in config else found


def _json(content: Optional[bytes]) -> Any:
    try:
        return json.loads(content or b"")
    except (ValueError, RecursionError):
        return None
