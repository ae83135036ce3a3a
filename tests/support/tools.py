"""The tools that the tests run, which Pants builds and hands over in archives."""

from __future__ import annotations

import tarfile
from pathlib import Path

ARCHIVE = Path("tests/tools.tar").resolve()
FOLDER = Path("tests/tools").resolve()
RELEASE_ARCHIVE = Path("tests/release_tools.tar").resolve()
RELEASE_FOLDER = Path("tests/release_tools_unpacked").resolve()
SITE_ARCHIVE = Path("tests/site_tools.tar").resolve()
SITE_FOLDER = Path("tests/site_tools_unpacked").resolve()
REMOTE_ARCHIVE = Path("tests/remote_tools.tar").resolve()
REMOTE_FOLDER = Path("tests/remote_tools_unpacked").resolve()

OTHER_PANTS = Path("tests.other_pants").resolve()


def find_tool(path: str) -> Path:
    """The tool at a path in the archive."""
    return _unpacked(ARCHIVE, FOLDER) / path


def find_release_tool(path: str) -> Path:
    """One that only tests of the tier `release` use."""
    return _unpacked(RELEASE_ARCHIVE, RELEASE_FOLDER) / path


def find_site_tool(path: str) -> Path:
    """One that makes the site."""
    return _unpacked(SITE_ARCHIVE, SITE_FOLDER) / path


def find_other_pants(version: str) -> Path:
    """The distributions of a release of Pants, laid out as files."""
    return OTHER_PANTS / f"pants_{version.replace('.', '_')}.pex"


def find_remote_tool(name: str) -> Path:
    """The command of a server."""
    return _unpacked(REMOTE_ARCHIVE, REMOTE_FOLDER) / f"tests.remote_tools/{name}.pex/__main__.py"


def _unpacked(archive: Path, folder: Path) -> Path:
    if not folder.exists():
        with tarfile.open(archive) as tar:
            tar.extractall(folder)
    return folder
