"""Files of a gathered truss as Pants' engine wants them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Iterable, List

from pants.engine.fs import FileDigest, FileEntry

from pants_truss.core.gathered import GatheredFile


@dataclass(frozen=True)
class SourceFile:
    """`path` is relative to the build root, `sha256` in hex, `size` in bytes."""

    path: str
    sha256: str
    size: int


def source_entries(files: Iterable[SourceFile]) -> List[FileEntry]:
    """Each path once. A file that two external packages have is gathered to two places, and Pants
    ends itself at a digest that has a path twice."""
    unique = {file.path: FileDigest(file.sha256, file.size) for file in files}
    return [FileEntry(path, digest) for path, digest in unique.items()]


def entry_at(path: str, file: GatheredFile) -> FileEntry:
    """The file, at a path that may be another than in the gathered truss."""
    return FileEntry(path, FileDigest(file.sha256, file.size), is_executable=file.is_executable)
