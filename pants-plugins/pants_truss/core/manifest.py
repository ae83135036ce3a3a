"""The manifest of a gathered truss: its files, where they come from, and why they are there.

docs/truss-manifest.schema.json describes the format. The manifest is written beside the gathered
truss, never into it.
"""

from __future__ import annotations

import json
import re
from typing import Any, Dict, Mapping, Optional, Sequence

from pants_truss.core.gathered import GatheredFile, GatheredRequirement

FILE_SUFFIX = ".truss-manifest.json"
VERSION = 1


def manifest(
    target: str,
    files: Sequence[GatheredFile],
    requirements: Sequence[GatheredRequirement],
    tree_digest: str,
) -> Dict[str, Any]:
    """Returns the manifest as data. `target` is the address of the truss. `files` are sorted by
    path. Paths are relative to the gathered truss; sources are relative to the build root."""
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
    """Returns the manifest as a file. Each file and requirement has its own line, which makes
    `diff` and `grep` useful and keeps ten thousand entries fast."""
    items = ",\n".join(f"  {_line(key)}: {_lines(value)}" for key, value in data.items())
    return f"{{\n{items}\n}}\n".encode("ascii")


def _lines(value: Any) -> str:
    if not isinstance(value, list) or not value:
        return _line(value)
    return "[\n" + ",\n".join(f"    {_line(item)}" for item in value) + "\n  ]"


def _line(value: Any) -> str:
    return json.dumps(value, ensure_ascii=True)


def to_bytes(data: Any) -> bytes:
    """Returns the same bytes for the same data on every machine."""
    return (json.dumps(data, indent=2, ensure_ascii=True) + "\n").encode("ascii")


def read_tree_digest(content: bytes) -> Optional[str]:
    """The digest in the first lines of a manifest; None if there is no such line."""
    found = re.search(rb'^  "tree_digest": "(sha256:[0-9a-f]{64})"', content, re.MULTILINE)
    return found[1].decode() if found else None
