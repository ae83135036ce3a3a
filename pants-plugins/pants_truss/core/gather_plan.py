"""Decides the content of a gathered truss: which file of which source gets which path.

Sources come in Truss's order: the truss itself, then each external package in the order of the
config. Nothing is read here: a file is its path, the sha256 of its content, its size and its mode.
Placing a source is a separate step, because many trusses share the result.
"""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass
from typing import Dict, Iterable, Iterator, List, Sequence, Set, Tuple

from pants_truss.core.gathered import GatheredFile
from pants_truss.core.gitignore import IgnorePatterns
from pants_truss.core.paths import ancestors, join
from pants_truss.core.source_tree import SourceFile, SourceTree
from pants_truss.core.truss_config import CONFIG_FILE


@dataclass(frozen=True)
class Collision:
    """A path that several sources claim with different bytes, or as a file and as a folder."""

    path: str
    claims: Tuple[GatheredFile, ...]


@dataclass(frozen=True)
class GatherPlan:
    """`files` is sorted by path. For a collision it holds the last claim."""

    files: Tuple[GatheredFile, ...]
    collisions: Tuple[Collision, ...]


def place_truss(
    tree: SourceTree, config_path: str, ignore: IgnorePatterns
) -> Tuple[GatheredFile, ...]:
    """Returns the truss's own files at their paths in the result, except ignored ones.

    `config_path` is the path of the config in the truss. It becomes `config.yaml` in the result;
    any other `config.yaml` is left out.
    """
    placed = (
        (CONFIG_FILE if file.path == config_path else file.path, file)
        for file in tree.files
        if file.path == config_path or file.path != CONFIG_FILE
    )
    return _place(tree, placed, ignore)


def place_package(
    tree: SourceTree, bundled_packages_dir: str, ignore: IgnorePatterns
) -> Tuple[GatheredFile, ...]:
    """Returns the *contents* of a package in `bundled_packages_dir` of the result.

    `ignore` is matched against paths of the result.
    """
    return _place(tree, ((join(bundled_packages_dir, f.path), f) for f in tree.files), ignore)


def _place(
    tree: SourceTree, placed: Iterable[Tuple[str, SourceFile]], ignore: IgnorePatterns
) -> Tuple[GatheredFile, ...]:
    found = list(placed)
    kept = set(ignore.keep([path for path, _ in found]))
    prefix = f"{tree.root}/" if tree.root else ""
    return tuple(
        GatheredFile(
            path,
            file.sha256,
            file.size,
            file.is_executable,
            tree.address or None,
            prefix + file.path,
            tree.reason,
        )
        for path, file in found
        if path in kept
    )


def plan_gather(placed: Iterable[Sequence[GatheredFile]]) -> GatherPlan:
    """Merges the files of all sources, in their order. The later claim of a path wins."""
    layout = _Layout()
    for files in placed:
        for file in files:
            layout.add(file)
    return GatherPlan(layout.files(), layout.collisions())


class _Layout:
    """The result so far. A later claim wins; the claims that it replaces are recorded."""

    def __init__(self) -> None:
        self._files: Dict[str, GatheredFile] = {}
        self._below: Dict[str, Set[str]] = {}
        self._collisions: Dict[str, List[GatheredFile]] = {}

    def add(self, claim: GatheredFile) -> None:
        rivals = [*self._rivals(claim.path)]
        if rivals == [claim.path]:
            previous = self._files[claim.path]
            if previous.sha256 != claim.sha256:
                self._collide(claim.path, [previous, claim])
        elif rivals:
            path = claim.path if claim.path in self._below else rivals[0]
            self._collide(path, [self._files[rivals[0]], claim])
            for rival in rivals:
                self._remove(rival)
        self._files[claim.path] = claim
        for folder in ancestors(claim.path):
            self._below.setdefault(folder, set()).add(claim.path)

    def _rivals(self, path: str) -> Iterator[str]:
        """Yields conflicting paths: the same path, a file where a folder must be, files below."""
        if path in self._files:
            yield path
        yield from (folder for folder in ancestors(path) if folder in self._files)
        yield from sorted(self._below.get(path, ()))

    def _remove(self, path: str) -> None:
        del self._files[path]
        for folder in ancestors(path):
            self._below[folder].discard(path)
            if not self._below[folder]:
                del self._below[folder]

    def _collide(self, path: str, claims: Iterable[GatheredFile]) -> None:
        known = self._collisions.setdefault(path, [])
        known += [claim for claim in claims if claim not in known]

    def files(self) -> Tuple[GatheredFile, ...]:
        return tuple(self._files[path] for path in sorted(self._files))

    def collisions(self) -> Tuple[Collision, ...]:
        return tuple(
            Collision(path, tuple(claims)) for path, claims in sorted(self._collisions.items())
        )


def describe_collision(collision: Collision) -> str:
    """Names all sources and their targets, in the order in which they are placed."""
    kinds = {claim.path for claim in collision.claims}
    what = (
        "comes from more than one source"
        if len(kinds) == 1
        else "is a file in one source and a folder in another"
    )
    sources = ", ".join(claim.described_source for claim in collision.claims)
    return f"{collision.path} {what}: {sources}"


def _folded(path: str) -> str:
    return path.lower() if path.isascii() else unicodedata.normalize("NFC", path).casefold()


def name_collisions(files: Sequence[GatheredFile]) -> Iterator[Tuple[GatheredFile, GatheredFile]]:
    """Yields pairs of files whose paths, or whose folders, are the same on some file systems: those
    that ignore case or normalise names. Two such folders yield one pair of files."""
    first: Dict[str, Tuple[str, GatheredFile]] = {}
    reported: Set[Tuple[str, str]] = set()
    for planned in files:
        # Start with the outermost folder: collisions below two such folders follow from theirs.
        for path in (*reversed([*ancestors(planned.path)]), planned.path):
            folded = _folded(path)
            known, other = first.setdefault(folded, (path, planned))
            if known != path:
                if (known, path) not in reported:
                    reported.add((known, path))
                    yield other, planned
                break
