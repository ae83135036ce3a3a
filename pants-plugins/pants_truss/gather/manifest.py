"""The manifest of a gathered truss, as a file to create."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, cast

from pants.engine.fs import FileContent

from pants_truss.core.manifest import manifest, manifest_bytes
from pants_truss.gather.gather import GatheredTruss


def manifest_file(path: str, target: str, gathered: GatheredTruss) -> FileContent:
    return cast(FileContent, _ManifestFile(path, target, gathered))


@dataclass(frozen=True)
class _ManifestFile:
    """In place of a `FileContent`: for all that a rule asks for, Pants keeps what it asked with, as
    long as its daemon lives. That would be 300 bytes for each file of each state of each truss. The
    engine takes a file's bytes from its attribute `content`, so they are made when it does.
    """

    is_executable: ClassVar[bool] = False

    path: str
    target: str
    gathered: GatheredTruss

    @property
    def content(self) -> bytes:
        truss = self.gathered
        return manifest_bytes(
            manifest(self.target, truss.files, truss.requirements, truss.tree_digest)
        )
