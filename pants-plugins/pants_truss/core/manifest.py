"""The manifest of a gathered truss: what is in it, where it comes from, and why.

docs/truss-manifest.schema.json describes it. It lies beside the gathered truss, never in it.
"""

from __future__ import annotations

import json
from typing import Any, Dict, Mapping, Sequence

from pants_truss.core.gathered import GatheredFile, GatheredRequirement

FILE_SUFFIX = ".truss-manifest.json"
VERSION = 1


def manifest(
    target: str,
    files: Sequence[GatheredFile],
    requirements: Sequence[GatheredRequirement],
    tree_digest: str,
) -> Dict[str, Any]:
    """As data. `target` is the address of the truss; `files` are sorted by path, and paths are
    relative to the gathered truss, sources to the build root."""
    return {
        "version": VERSION,
        "target": target,
        "tree_digest": tree_digest,
        "size": sum(file.size for file in files),
        "files": [
            {
                "path": file.path,
                "sha256": file.sha256,
                "size": file.size,
                "executable": file.is_executable,
                "target": file.target,
                "source": file.source,
                "reason": file.reason,
            }
            for file in files
        ],
        "requirements": [
            {
                "requirement": requirement.requirement,
                "origin": requirement.origin,
                "reason": requirement.reason,
            }
            for requirement in requirements
        ],
    }


def manifest_bytes(data: Mapping[str, Any]) -> bytes:
    """A manifest as a file: each file and requirement has a line, so that `diff` and `grep` tell
    something, and ten thousand of them take no time."""
    items = ",\n".join(f"  {_line(key)}: {_lines(value)}" for key, value in data.items())
    return f"{{\n{items}\n}}\n".encode("ascii")


def _lines(value: Any) -> str:
    if not isinstance(value, list) or not value:
        return _line(value)
    return "[\n" + ",\n".join(f"    {_line(item)}" for item in value) + "\n  ]"


def _line(value: Any) -> str:
    return json.dumps(value, ensure_ascii=True)


def to_bytes(data: Any) -> bytes:
    """The same bytes for the same data, everywhere."""
    return (json.dumps(data, indent=2, ensure_ascii=True) + "\n").encode("ascii")
