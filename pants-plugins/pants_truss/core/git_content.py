"""Placeholders in a checkout for content that was not fetched: pointers and submodules."""

from __future__ import annotations

import re
from typing import List, Optional

# Git LFS writes pointers of less than 1,024 bytes; the shortest has an object id and a size. A
# pointer of git-annex is the name of an object.
MIN_POINTER_BYTES = 40
MAX_POINTER_BYTES = 1023

_LFS_POINTER = re.compile(
    rb"\Aversion https?://[^\n]+\n(?:ext-[^\n]+\n)*oid sha256:[0-9a-f]{64}\r?\nsize \d+\r?\n?\Z"
)
_ANNEX_POINTER = re.compile(rb"\A/annex/objects/[^/\n]+\n")
_ANNEX_OBJECTS = ".git/annex/objects/"


def describe_pointer(content: bytes) -> Optional[str]:
    """Describes a pointer, with the command that fetches its content; None for any other file."""
    if _LFS_POINTER.match(content):
        return "is a Git LFS pointer, not the file itself. Run `git lfs pull`"
    if _ANNEX_POINTER.match(content):
        return "is a git-annex pointer, not the file itself. Run `git annex get`"
    return None


def is_annexed(link_target: str) -> bool:
    """Returns True for a symlink that git-annex makes in place of a file."""
    return _ANNEX_OBJECTS in link_target


def submodule_paths(gitmodules: str) -> List[str]:
    """The folders of `.gitmodules`, relative to it."""
    found = re.findall(r"^[ \t]*path[ \t]*=(.*)$", gitmodules, re.MULTILINE)
    paths = (re.fullmatch(r'"?([^"]+?)"?', value.strip(" \t\r")) for value in found)
    return [path[1].rstrip("/") for path in paths if path]
