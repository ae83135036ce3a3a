"""Decides what a gathered truss holds: which file of which source lands where.

Sources come in Truss's order: the truss itself, then each external package in the order of the
config. Nothing is read here; a file is its path, the sha256 of its content, its size and mode.
"""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass
from typing import Dict, Iterable, Iterator, List, Sequence, Set, Tuple

from pants_truss.core.gitignore import IgnorePatterns
from pants_truss.core.paths import ancestors, join
from pants_truss.core.truss_config import CONFIG_FILE

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

    path: str
    sha256: str
    size: int
    is_executable: bool


@dataclass(frozen=True)
class Source:
    """Where files come from: a target and its folder, relative to the build root. `reason` is why
    the gathered truss holds them, in the words of the manifest."""

    root: str
    address: str
    reason: str = TRUSS


@dataclass(frozen=True)
class SourceTree:
    """The files of one target, with what `Source` says of them."""

    root: str
    address: str
    files: Tuple[SourceFile, ...]
    reason: str = TRUSS

    @property
    def source(self) -> Source:
        return Source(self.root, self.address, self.reason)


@dataclass(frozen=True)
class PlannedFile:
    """`path` in the gathered truss, made of `file` of `source`. Not of a tree: the engine compares
    plans, and would compare the whole tree once for each of its files."""

    path: str
    source: Source
    file: SourceFile

    @property
    def source_path(self) -> str:
        """Relative to the build root."""
        return join(self.source.root, self.file.path)

    @property
    def described_source(self) -> str:
        return f"{self.source_path} ({self.source.address})"


@dataclass(frozen=True)
class Collision:
    """A path that sources claim with different bytes, or as file here and as folder there."""

    path: str
    claims: Tuple[PlannedFile, ...]


@dataclass(frozen=True)
class GatherPlan:
    """`files` is sorted by path; where there are collisions it holds the latest claim."""

    files: Tuple[PlannedFile, ...]
    collisions: Tuple[Collision, ...]


def plan_gather(
    truss: SourceTree,
    packages: Sequence[SourceTree],
    *,
    config_path: str,
    bundled_packages_dir: str,
    ignore: IgnorePatterns,
) -> GatherPlan:
    """Lays the packages' *contents* into `bundled_packages_dir` of the truss.

    `config_path` is the config in the truss, which becomes `config.yaml` in the result; a
    `config.yaml` that is not it stays behind. `ignore` is asked about paths of the result.
    """
    claims = [*_own_files(truss, config_path)]
    for package in packages:
        source = package.source
        claims += [
            PlannedFile(join(bundled_packages_dir, f.path), source, f) for f in package.files
        ]
    kept = set(ignore.keep([claim.path for claim in claims]))
    layout = _Layout()
    for claim in claims:
        if claim.path in kept:
            layout.add(claim)
    return GatherPlan(layout.files(), layout.collisions())


def _own_files(truss: SourceTree, config_path: str) -> Iterator[PlannedFile]:
    source = truss.source
    for file in truss.files:
        if file.path == config_path:
            yield PlannedFile(CONFIG_FILE, source, file)
        elif file.path != CONFIG_FILE:
            yield PlannedFile(file.path, source, file)


class _Layout:
    """The result so far: the later claim wins, and what it wins against is remembered."""

    def __init__(self) -> None:
        self._files: Dict[str, PlannedFile] = {}
        self._below: Dict[str, Set[str]] = {}
        self._collisions: Dict[str, List[PlannedFile]] = {}

    def add(self, claim: PlannedFile) -> None:
        rivals = [*self._rivals(claim.path)]
        if rivals == [claim.path]:
            previous = self._files[claim.path]
            if previous.file.sha256 != claim.file.sha256:
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

    def _collide(self, path: str, claims: Iterable[PlannedFile]) -> None:
        known = self._collisions.setdefault(path, [])
        known += [claim for claim in claims if claim not in known]

    def files(self) -> Tuple[PlannedFile, ...]:
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


def name_collisions(files: Sequence[PlannedFile]) -> Iterator[Tuple[PlannedFile, PlannedFile]]:
    """Pairs of files whose paths, or those of their folders, a file system that ignores case or
    normalises names takes for one. Of two such folders, one pair of files is told."""
    first: Dict[str, Tuple[str, PlannedFile]] = {}
    told: Set[Tuple[str, str]] = set()
    for planned in files:
        # The outermost folder first: what is below two such folders follows from that.
        for path in (*reversed([*ancestors(planned.path)]), planned.path):
            folded = unicodedata.normalize("NFC", path).casefold()
            known, other = first.setdefault(folded, (path, planned))
            if known != path:
                if (known, path) not in told:
                    told.add((known, path))
                    yield other, planned
                break
