"""Content that was not fetched: files that are pointers to it, and submodules that are empty."""

from __future__ import annotations

import os
import posixpath
from contextlib import suppress
from dataclasses import dataclass
from typing import Dict, Iterable, List, Optional, Tuple

from pants.base.build_environment import get_buildroot
from pants.engine.fs import CreateDigest
from pants.engine.internals.session import RunId
from pants.engine.rules import collect_rules

from pants_truss.core.gathered import GatheredFile
from pants_truss.core.git_content import (
    MAX_POINTER_BYTES,
    MIN_POINTER_BYTES,
    describe_pointer,
    submodule_paths,
)
from pants_truss.core.paths import is_within, normalize_inside
from pants_truss.pants_api import create_digest, get_digest_contents, implicitly, rule
from pants_truss.sources.file_entries import SourceFile, source_entries


@dataclass(frozen=True)
class FindPointersRequest:
    """The files of one folder, so that trusses that share the folder share the answer."""

    files: Tuple[SourceFile, ...]


@dataclass(frozen=True)
class FoundPointers:
    """The kind of each file that is a pointer, by its path."""

    pointers: Tuple[Tuple[str, str], ...]


@rule
async def find_pointers(request: FindPointersRequest) -> FoundPointers:
    digest = await create_digest(CreateDigest(source_entries(request.files)), **implicitly())
    described = (
        (file.path, describe_pointer(file.content)) for file in await get_digest_contents(digest)
    )
    return FoundPointers(tuple((path, what) for path, what in described if what))


def pointer_requests(files: Iterable[GatheredFile]) -> List[FindPointersRequest]:
    """What to look into: a pointer is small, and it never stands in place of code."""
    folders: Dict[str, List[SourceFile]] = {}
    for file in files:
        if file.source and MIN_POINTER_BYTES <= file.size <= MAX_POINTER_BYTES:
            if not file.source.endswith(".py"):
                small = SourceFile(file.source, file.sha256, file.size)
                folders.setdefault(posixpath.dirname(file.source), []).append(small)
    return [FindPointersRequest(tuple(found)) for _, found in sorted(folders.items())]


@dataclass(frozen=True)
class EmptySubmodulesRequest:
    pass


@dataclass(frozen=True)
class EmptySubmodules:
    """Folders of submodules that are not checked out, relative to the build root."""

    paths: Tuple[str, ...]

    def around(self, folder: str) -> Optional[str]:
        """The one that `folder` is, or lies in."""
        return next((path for path in self.paths if is_within(folder, path)), None)


@rule
async def find_empty_submodules(_: EmptySubmodulesRequest, run_id: RunId) -> EmptySubmodules:
    return EmptySubmodules(tuple(_empty_submodules(get_buildroot())))


def _empty_submodules(buildroot: str) -> List[str]:
    repository = buildroot
    while not os.path.exists(os.path.join(repository, ".git")):
        above = os.path.dirname(repository)
        if above == repository:
            # Without `.git`, as in a copy of a checkout.
            repository = buildroot
            break
        repository = above
    found, pending, seen = [], [repository], set()
    while pending:
        # A submodule may have some of its own.
        folder = pending.pop()
        if os.path.realpath(folder) in seen:
            continue
        seen.add(os.path.realpath(folder))
        for path in _named_submodules(folder):
            submodule = os.path.join(folder, path)
            inside = normalize_inside(os.path.relpath(submodule, buildroot))
            if not _is_empty(submodule):
                pending.append(submodule)
            elif inside:
                found.append(inside)
    return sorted(found)


def _named_submodules(folder: str) -> Tuple[str, ...]:
    try:
        with open(os.path.join(folder, ".gitmodules"), encoding="utf-8") as file:
            return tuple(path for path in submodule_paths(file.read()) if normalize_inside(path))
    except (OSError, UnicodeDecodeError):
        return ()


def _is_empty(folder: str) -> bool:
    with suppress(OSError), os.scandir(folder) as entries:
        return not any(True for _ in entries)
    return not os.path.exists(folder)


def rules() -> Iterable[object]:
    return collect_rules()
