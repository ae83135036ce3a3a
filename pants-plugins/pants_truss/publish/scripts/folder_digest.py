"""Computes the tree digest of a folder. Standard library only."""

from __future__ import annotations

import hashlib
import os
import sys
from typing import Iterator, Tuple

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

import tree_digest  # type: ignore[import]  # noqa: E402  # pants: no-infer-dep

_BLOCK = 1 << 20


def digest_of_folder(folder: str) -> str:
    """Returns `sha256:<hex>`, as docs/tree-digest.md defines it."""
    return str(tree_digest.tree_digest(_files(folder)))


def _files(folder: str) -> Iterator[Tuple[str, str, bool]]:
    for root, _, names in os.walk(folder):
        for name in names:
            path = os.path.join(root, name)
            is_executable = bool(os.stat(path).st_mode & 0o100)
            yield os.path.relpath(path, folder), _sha256(path), is_executable


def _sha256(path: str) -> str:
    digest = hashlib.sha256()
    with open(path, "rb") as file:
        for block in iter(lambda: file.read(_BLOCK), b""):
            digest.update(block)
    return digest.hexdigest()
