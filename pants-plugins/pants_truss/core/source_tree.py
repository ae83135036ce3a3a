"""The files of a target, and why a gathered truss has them.

These objects are many: a truss has tens to thousands of each, a repository hundreds of trusses, and
Pants keeps what a rule answers. So they have slots, and what several trusses have in common is made
once.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Tuple

# Why a file is in a gathered truss.
TRUSS = "truss"
EXTERNAL_PACKAGE = "external_package_dirs"
EXPLICIT = "explicit dependency"
GENERATED = "generated"
IMPORTED_BY = "imported by "


def imported_by(path: str) -> str:
    return f"{IMPORTED_BY}{path}"


@dataclass(frozen=True)
class SourceFile:
    """A file below its source's root. `sha256` is in hex, `size` in bytes."""

    __slots__ = ("path", "sha256", "size", "is_executable")

    path: str
    sha256: str
    size: int
    is_executable: bool


@dataclass(frozen=True)
class SourceTree:
    """The files of one target; `root` is its folder, relative to the build root. `reason` is why
    the gathered truss holds them, in the words of the manifest."""

    root: str
    address: str
    files: Tuple[SourceFile, ...]
    reason: str = TRUSS
