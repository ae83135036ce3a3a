"""An external package as gathered trusses hold it.

Made once for all trusses that hold it in the same place: Pants keeps what each rule was asked and
what it answered, so what trusses share must not be part of what is kept for each of them.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Iterable, Tuple

from pants.engine.fs import CreateDigest, Digest
from pants.engine.rules import collect_rules
from pants.engine.target import MultipleSourcesField

from pants_truss.core.gather_plan import place_package
from pants_truss.core.gathered import GatheredFile
from pants_truss.core.gitignore import IgnorePatterns
from pants_truss.core.present_files import PresentTree, present_tree
from pants_truss.pants_api import create_digest, implicitly, rule
from pants_truss.sources import target_files
from pants_truss.sources.file_entries import entry_at
from pants_truss.sources.target_files import ReadSourceTree, ReadSourceTreeRequest, read_source_tree


@dataclass(frozen=True)
class PlacePackageRequest:
    """`ignore` are the patterns of the truss, `reason` is one of `core.source_tree`."""

    sources: MultipleSourcesField
    reason: str
    bundled_packages_dir: str
    ignore: Tuple[str, ...]


@dataclass(frozen=True)
class PlacedPackage:
    """`files` are at their places in the gathered truss, and so they are in `digest`."""

    read: ReadSourceTree
    files: Tuple[GatheredFile, ...]
    present: PresentTree
    digest: Digest

    @property
    def address(self) -> str:
        return self.read.tree.address

    @property
    def root(self) -> str:
        return self.read.tree.root


@rule(desc="Lay out an external package")
async def place_external_package(request: PlacePackageRequest) -> PlacedPackage:
    read = await read_source_tree(ReadSourceTreeRequest(request.sources), **implicitly())
    ignore = IgnorePatterns(request.ignore)
    tree = replace(read.tree, reason=request.reason)
    files = place_package(tree, request.bundled_packages_dir, ignore)
    digest = await create_digest(
        CreateDigest(entry_at(file.path, file) for file in files), **implicitly()
    )
    return PlacedPackage(
        read, files, present_tree(tree, request.bundled_packages_dir, ignore), digest
    )


def rules() -> Iterable[object]:
    return [*collect_rules(), *target_files.rules()]
