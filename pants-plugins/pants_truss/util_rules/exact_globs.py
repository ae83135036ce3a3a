"""Globs for files that are named, not matched."""

from __future__ import annotations

from typing import Iterable

from pants.engine.fs import GlobMatchErrorBehavior, PathGlobs

from pants_truss.core.globs import escape_glob


def exactly(path: str) -> PathGlobs:
    """The file at a path relative to the build root, or nothing if there is none."""
    return all_of([path])


def all_of(paths: Iterable[str]) -> PathGlobs:
    """The files at the paths, as far as there are any."""
    return PathGlobs(
        [escape_glob(path) for path in paths],
        glob_match_error_behavior=GlobMatchErrorBehavior.ignore,
    )
