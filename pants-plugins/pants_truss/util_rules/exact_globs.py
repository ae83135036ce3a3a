"""Globs for files that are named, not matched."""

from __future__ import annotations

from pants.engine.fs import GlobMatchErrorBehavior, PathGlobs

from pants_truss.core.globs import escape_glob


def exactly(path: str) -> PathGlobs:
    """The file at a path relative to the build root, or nothing if there is none."""
    return PathGlobs([escape_glob(path)], glob_match_error_behavior=GlobMatchErrorBehavior.ignore)
