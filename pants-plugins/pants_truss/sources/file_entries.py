"""Files of a gathered truss as Pants' engine wants them."""

from __future__ import annotations

from pants.engine.fs import FileDigest, FileEntry

from pants_truss.core.gathered import GatheredFile


def entry_at(path: str, file: GatheredFile) -> FileEntry:
    """The file, at a path that may be another than in the gathered truss."""
    return FileEntry(path, FileDigest(file.sha256, file.size), is_executable=file.is_executable)
