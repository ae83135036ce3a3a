"""A digest of a directory tree that anyone can recompute.

sha256 over one record for each file, sorted by the path's UTF-8 bytes:

    <mode> SP <sha256 of the content, hex> SP <path> NUL

The mode is `100755` for an executable file and `100644` for any other, as in git. Folders, times,
owners and other mode bits do not count. docs/tree-digest.md has a command that computes the same.
"""

from __future__ import annotations

import hashlib
from typing import Iterable, Tuple


def tree_digest(files: Iterable[Tuple[str, str, bool]]) -> str:
    """Returns `sha256:<hex>` of (path, sha256 in hex, executable) triples in any order."""
    records = sorted(
        (
            path.encode("utf-8", "surrogateescape"),
            sha256.encode(),
            b"100755" if executable else b"100644",
        )
        for path, sha256, executable in files
    )
    digest = hashlib.sha256()
    for path, sha256, mode in records:
        digest.update(mode + b" " + sha256 + b" " + path + b"\0")
    return f"sha256:{digest.hexdigest()}"
