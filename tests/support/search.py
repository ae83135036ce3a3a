"""Looks for a text in all files of a folder, databases with holes among them."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path
from typing import Iterator, List, Sequence

_BLOCK = 1 << 22


def files_with(folder: Path, texts: Sequence[str]) -> List[str]:
    """The paths, relative to the folder, of files that have one of the texts, in their name too."""
    wanted = [text.encode() for text in texts]
    found = []
    for root, _, names in os.walk(folder):
        for name in names:
            path = os.path.join(root, name)
            if any(text in path.encode() for text in wanted) or _has(path, wanted):
                found.append(os.path.relpath(path, folder))
    return sorted(found)


def _has(path: str, wanted: Sequence[bytes]) -> bool:
    if not os.path.isfile(path):
        return False
    tail = b""
    for block in _data(path):
        data = tail + block
        if any(text in data for text in wanted):
            return True
        tail = data[-max(len(text) for text in wanted) :]
    return False


def _data(path: str) -> Iterator[bytes]:
    """Yields the data of the file without its holes: a database may have terabytes of holes."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        end = 0
        # There is no data after the last hole.
        with suppress(OSError):
            while True:
                start = os.lseek(descriptor, end, os.SEEK_DATA)
                end = os.lseek(descriptor, start, os.SEEK_HOLE)
                os.lseek(descriptor, start, os.SEEK_SET)
                while start < end:
                    block = os.read(descriptor, min(_BLOCK, end - start))
                    start += len(block)
                    yield block
    finally:
        os.close(descriptor)


def processes_with(texts: Sequence[str]) -> List[str]:
    """The argument lists, of any process of this machine, that have one of the texts in them."""
    found = []
    for entry in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            words = (entry / "cmdline").read_bytes().decode("utf-8", "replace")
            found += [words] if any(text in words for text in texts) else []
    return found
