"""The tools that the tests run, which Pants builds and hands over in one archive."""

from __future__ import annotations

import tarfile
from pathlib import Path

ARCHIVE = Path("tests/tools.tar").resolve()
FOLDER = Path("tests/tools").resolve()


def find_tool(path: str) -> Path:
    """The tool at a path in the archive."""
    if not FOLDER.exists():
        with tarfile.open(ARCHIVE) as archive:
            archive.extractall(FOLDER)
    return FOLDER / path
