"""Splits the files of a large truss into parts, so that a change rebuilds little of its tar."""

from __future__ import annotations

import zlib
from dataclasses import dataclass
from typing import List, Sequence, Tuple

from pants_truss.core.gathered import GatheredFile

# A tar of fewer files is made in one process: parts would save less than an extra process costs.
_MAX_WHOLE = 1000
# Average and maximum number of files in a part.
_PART = 256
_MAX_PART = 1024
# Larger files, in bytes, are in no part, because they would be copied twice.
_LARGE = 4 * 1024 * 1024


@dataclass(frozen=True)
class TarParts:
    """The tar holds `parts` first, in their order, then `rest`."""

    parts: Tuple[Tuple[GatheredFile, ...], ...]
    rest: Tuple[GatheredFile, ...]


def cut(files: Sequence[GatheredFile]) -> TarParts:
    """`files` is sorted. Only names decide where a part ends, so a file that is added, removed or
    changed affects its own part only."""
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
