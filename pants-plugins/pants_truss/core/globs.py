"""Paths as globs, and what a glob can reach."""

from __future__ import annotations

import re
from fnmatch import fnmatchcase
from typing import Iterable, Iterator


def escape_glob(path: str) -> str:
    """A glob that matches this very path."""
    return "".join(f"[{char}]" if char in "*?[" else char for char in path)


def unescape_glob(glob: str) -> str:
    """The path that was escaped."""
    return re.sub(r"\[([*?[])\]", r"\1", glob)


def exclude_globs(paths: Iterable[str]) -> Iterator[str]:
    """Excludes for Pants' `PathGlobs`: each path, and everything below it. They are `.gitignore`
    patterns: a backslash escapes, braces hold alternatives, and trailing white space is dropped."""
    for path in paths:
        pattern = re.sub(r"[{}]|\s(?=\s*$)", r"[\g<0>]", escape_glob(path.replace("\\", "\\\\")))
        yield f"!/{pattern}"
        yield f"!/{pattern}/**"


def can_match_below(glob: str, folder: str) -> bool:
    """Returns True if the glob can match in the folder: `a/*/c` in `a/b`, `**/*.py` anywhere."""
    parts = folder.split("/")
    for position, pattern in enumerate(glob.split("/")):
        if pattern == "**" or position == len(parts):
            return True
        if not fnmatchcase(parts[position], pattern):
            return False
    return False
