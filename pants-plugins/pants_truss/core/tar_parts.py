"""Cuts the files of a large truss into parts, so that a change makes little of its tar anew."""

from __future__ import annotations

import zlib
from dataclasses import dataclass
from typing import List, Sequence, Tuple

from pants_truss.core.gathered import GatheredFile

# Below this many files a tar is made in one go: that takes no longer than one process more.
_MAX_WHOLE = 1000
# How many files a part has on average, and at most.
_PART = 256
_MAX_PART = 1024
# Larger files, in bytes, are in no part: they would be copied twice.
_LARGE = 4 * 1024 * 1024


@dataclass(frozen=True)
class TarParts:
    """`parts` come first in the tar, in their order, then `rest`."""

    parts: Tuple[Tuple[GatheredFile, ...], ...]
    rest: Tuple[GatheredFile, ...]


def cut(files: Sequence[GatheredFile]) -> TarParts:
    """`files` is sorted. Where a part ends is for the names alone to say: a file that comes or goes
    changes its own part, and a changed one too."""
    if len(files) <= _MAX_WHOLE:
        return TarParts((), tuple(files))
    parts: List[Tuple[GatheredFile, ...]] = []
    part: List[GatheredFile] = []
    for file in files:
        if file.size > _LARGE:
            continue
        part.append(file)
        if zlib.crc32(file.path.encode()) % _PART == 0 or len(part) == _MAX_PART:
            parts.append(tuple(part))
            part = []
    parts += [tuple(part)] if part else []
    return TarParts(tuple(parts), tuple(file for file in files if file.size > _LARGE))
