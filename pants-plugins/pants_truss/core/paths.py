"""Paths in a repository: relative to the build root, `/` between parts, no `.` or `..`."""

from __future__ import annotations

import os
import posixpath
from typing import Iterator, Optional

from pants_truss.core.errors import TrussError


def join(*parts: str) -> str:
    """Joins relative paths; the build root itself is the empty string."""
    return "/".join(part for part in parts if part)


def is_within(path: str, ancestor: str) -> bool:
    """Returns True if `path` is `ancestor` or below it. The build root, "", holds everything."""
    return not ancestor or path == ancestor or path.startswith(ancestor + "/")


def below(path: str, folder: str) -> str:
    """Returns `path`, which is in `folder`, relative to it: `a/b/c`, `a` -> `b/c`."""
    return path[len(folder) + 1 :] if folder else path


def ancestors(path: str) -> Iterator[str]:
    """Yields the folders around `path`, nearest first, without the root: `a/b/c` -> `a/b`, `a`."""
    while "/" in path:
        path = path.rpartition("/")[0]
        yield path


def normalize_inside(path: str) -> Optional[str]:
    """`./a//b/` -> `a/b`; `.` -> ``. None if the path is absolute or leaves its root by `..`."""
    if not path or posixpath.isabs(path):
        return None
    normal = posixpath.normpath(path)
    if normal == ".." or normal.startswith("../"):
        return None
    return "" if normal == "." else normal


def resolve_external_package_dir(value: str, *, truss_dir: str, build_root: str) -> str:
    """Returns the folder of one entry of `external_package_dirs`, relative to the build root.

    Truss resolves a relative entry against the truss and takes an absolute one as it is. It expands
    neither `~` nor variables. Raises `TrussError` for entries that cannot work in a shared
    repository: a folder outside the build root, and the truss itself or a folder around it, which
    would contain itself. The message continues a sentence whose subject is the entry.
    """
    if value.startswith("~"):
        raise TrussError(
            f"begins with `~`, which Truss does not expand. Write a path relative to the truss, "
            f"such as `{_relative('shared/my_package', truss_dir)}`."
        )
    root = _resolve(value, truss_dir, build_root)
    if root is None:
        raise TrussError(
            f"lies outside the build root ({_absolute(value, truss_dir, build_root)}). "
            f"Move the folder into the repository and write its path relative to the truss."
        )
    refuse_around(root, truss_dir)
    return root


def refuse_around(root: str, truss_dir: str) -> None:
    """Raises `TrussError` if the folder `root` is the truss itself or holds it."""
    if root == truss_dir:
        raise TrussError("is the truss itself. Remove the entry.")
    if is_within(truss_dir, root):
        raise TrussError(
            f"is the folder {root or '.'!r}, which holds the truss itself. Name only the "
            f"folder of shared code, such as `{_relative('shared/my_package', truss_dir)}`."
        )


def _resolve(value: str, truss_dir: str, build_root: str) -> Optional[str]:
    if not posixpath.isabs(value):
        return normalize_inside(join(truss_dir, value) or ".")
    # The build root may be reached through a symlink: `/tmp` is one on macOS.
    for root in (build_root, os.path.realpath(build_root)):
        relative = posixpath.relpath(posixpath.normpath(value), root)
        inside = normalize_inside(relative)
        if inside is not None:
            return inside
    return None


def _absolute(value: str, truss_dir: str, build_root: str) -> str:
    return posixpath.normpath(posixpath.join(build_root, truss_dir, value))


def _relative(path: str, truss_dir: str) -> str:
    return posixpath.relpath(path, truss_dir or ".")
