"""The content of a gathered truss, for people and tools."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Dict, Iterable, Mapping, Optional, Tuple

from pants_truss.core.source_tree import GENERATED, IMPORTED_BY
from pants_truss.core.tree_digest import tree_digest


@dataclass(frozen=True)
class GatheredFile:
    """A file of a gathered truss.

    `size` is in bytes. `target` is the address of the target that owns the file, and `source` its
    path in the repository; both are None for a file that gathering made. `reason` says why the file
    is there: see `core.source_tree`.
    """

    __slots__ = ("path", "sha256", "size", "is_executable", "target", "source", "reason")

    path: str
    sha256: str
    size: int
    is_executable: bool
    target: Optional[str]
    source: Optional[str]
    reason: str

    @property
    def is_imported(self) -> bool:
        return self.reason.startswith(IMPORTED_BY)

    @property
    def described_source(self) -> str:
        return f"{self.source} ({self.target or 'no target'})"


@dataclass(frozen=True)
class GatheredRequirement:
    """A requirement of a gathered truss. `origin` is the file or the address of the target that
    declares it. `reason` says why the truss has it, if that is known."""

    requirement: str
    origin: str
    reason: Optional[str]


@dataclass(frozen=True)
class GeneratedFile:
    """A file whose content gathering makes. `source` is the path of the file it is made from."""

    sha256: str
    size: int
    source: Optional[str]


def with_generated(
    planned: Iterable[GatheredFile], generated: Mapping[str, GeneratedFile]
) -> Tuple[GatheredFile, ...]:
    """Returns the files of the result, sorted by path. Generated files replace planned ones."""
    files: Dict[str, GatheredFile] = {file.path: file for file in planned}
    for path, content in generated.items():
        replaced = files.get(path)
        if replaced and replaced.sha256 == content.sha256:
            continue
        files[path] = GatheredFile(
            path,
            content.sha256,
            content.size,
            bool(replaced and replaced.is_executable),
            replaced.target if replaced else None,
            content.source,
            GENERATED,
        )
    return tuple(files[path] for path in sorted(files))


def digest_of(files: Iterable[GatheredFile]) -> str:
    return tree_digest((file.path, file.sha256, file.is_executable) for file in files)
