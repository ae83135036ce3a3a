"""Globs, and paths of files, that may match nothing without an error."""

from __future__ import annotations

from typing import Iterable

from pants.engine.fs import GlobMatchErrorBehavior, PathGlobs

from pants_truss.core.globs import escape_glob


def matching(globs: Iterable[str]) -> PathGlobs:
    return PathGlobs(globs, glob_match_error_behavior=GlobMatchErrorBehavior.ignore)


def all_of(paths: Iterable[str]) -> PathGlobs:
    """The files at paths relative to the build root, if they exist."""
    return matching(map(escape_glob, paths))


def exactly(path: str) -> PathGlobs:
    """The file at a path relative to the build root, or nothing if there is none."""
    return all_of([path])
