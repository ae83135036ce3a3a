"""Decides what a gathered truss holds: which file of which source lands where.

Sources come in Truss's order: the truss itself, then each external package in the order of the
config. Nothing is read here; a file is its path, the sha256 of its content, its size and mode. What
a source lays in is a step of its own, as many trusses share the outcome.
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
    """A path that sources claim with different bytes, or as file here and as folder there."""

    path: str
    claims: Tuple[GatheredFile, ...]


@dataclass(frozen=True)
class GatherPlan:
    """`files` is sorted by path; where there are collisions it holds the latest claim."""

    files: Tuple[GatheredFile, ...]
    collisions: Tuple[Collision, ...]


def lay_truss(
    tree: SourceTree, config_path: str, ignore: IgnorePatterns
) -> Tuple[GatheredFile, ...]:
    """The truss's own files at their places in the result, but for those that `ignore` leaves out.

    `config_path` is the config in the truss, which becomes `config.yaml` in the result; a
    `config.yaml` that is not it stays behind.
    """
    placed = (
        (CONFIG_FILE if file.path == config_path else file.path, file)
        for file in tree.files
        if file.path == config_path or file.path != CONFIG_FILE
    )
    return _lay(tree, placed, ignore)


def lay_package(
    tree: SourceTree, bundled_packages_dir: str, ignore: IgnorePatterns
) -> Tuple[GatheredFile, ...]:
    """The *contents* of a package in `bundled_packages_dir` of the result. `ignore` is asked about
    paths of the result."""
    return _lay(tree, ((join(bundled_packages_dir, f.path), f) for f in tree.files), ignore)


def _lay(
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


def plan_gather(laid: Iterable[Sequence[GatheredFile]]) -> GatherPlan:
    """Of what each source lays in, in their order: the later claim of a path wins."""
    layout = _Layout()
    for files in laid:
        for file in files:
            layout.add(file)
    return GatherPlan(layout.files(), layout.collisions())


class _Layout:
    """The result so far: the later claim wins, and what it wins against is remembered."""

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
        """What is there already: the same path, a file where a folder must be, a folder's files."""
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
    """All its sources and their targets, in the order in which they are laid in."""
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
    """Pairs of files whose paths, or those of their folders, a file system that ignores case or
    normalises names takes for one. Of two such folders, one pair of files is told."""
    first: Dict[str, Tuple[str, GatheredFile]] = {}
    told: Set[Tuple[str, str]] = set()
    for planned in files:
        # The outermost folder first: what is below two such folders follows from that.
        for path in (*reversed([*ancestors(planned.path)]), planned.path):
            folded = _folded(path)
            known, other = first.setdefault(folded, (path, planned))
            if known != path:
                if (known, path) not in told:
                    told.add((known, path))
                    yield other, planned
                break
