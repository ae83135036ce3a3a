"""Finds the truss that a file belongs to: no other truss can use the file."""

from __future__ import annotations

from dataclasses import dataclass
from typing import FrozenSet, Iterable, Optional, Tuple

from pants.engine.addresses import Address
from pants.engine.rules import collect_rules

from pants_truss.core.paths import ancestors
from pants_truss.pants_api import (
    addresses_from_raw_specs_without_file_owners,
    concurrently,
    implicitly,
    resolve_unexpanded_targets,
    rule,
)
from pants_truss.sources.folder_specs import in_folder
from pants_truss.sources.target_files import FindSourcePathsRequest, find_source_paths
from pants_truss.target_types.truss import TrussSourcesField


@dataclass(frozen=True)
class TrussesInFolderRequest:
    """`folder` is relative to the build root."""

    folder: str


@dataclass(frozen=True)
class TrussFiles:
    address: Address
    paths: FrozenSet[str]


@dataclass(frozen=True)
class TrussesInFolder:
    """The trusses whose BUILD file is in the folder, with their files."""

    trusses: Tuple[TrussFiles, ...]


@rule
async def find_trusses_in_folder(request: TrussesInFolderRequest) -> TrussesInFolder:
    addresses = await addresses_from_raw_specs_without_file_owners(
        in_folder(request.folder, "the imports of a truss"), **implicitly()
    )
    targets = await resolve_unexpanded_targets(addresses)
    fields = [t[TrussSourcesField] for t in targets if t.has_field(TrussSourcesField)]
    paths = await concurrently(
        find_source_paths(FindSourcePathsRequest(field), **implicitly()) for field in fields
    )
    return TrussesInFolder(
        tuple(
            TrussFiles(field.address, frozenset(found.paths)) for field, found in zip(fields, paths)
        )
    )


def folders_around(file: str) -> Tuple[str, ...]:
    """The folders in which the BUILD file of the file's truss may lie, nearest first."""
    return (*ancestors(file), "")


async def find_trusses_around(files: Iterable[str]) -> Tuple[TrussFiles, ...]:
    """The trusses that one of the files may belong to."""
    folders = sorted({folder for file in files for folder in folders_around(file)})
    found = await concurrently(
        find_trusses_in_folder(TrussesInFolderRequest(folder), **implicitly()) for folder in folders
    )
    return tuple(truss for each in found for truss in each.trusses)


def other_truss(
    file: Optional[str], trusses: Iterable[TrussFiles], folder: str
) -> Optional[Address]:
    """The truss that the file belongs to, if there is one. A truss whose BUILD file is in `folder`
    does not count: trusses of one folder share its files."""
    return next(
        (t.address for t in trusses if t.address.spec_path != folder and file in t.paths), None
    )


def rules() -> Iterable[object]:
    return collect_rules()
