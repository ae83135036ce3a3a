"""Gathers a truss as planned, unless something in it must never reach a package."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from typing import Dict, Iterable, List, Mapping, Sequence, Tuple, Union

from pants.engine.fs import CreateDigest, Digest, FileContent, FileEntry, MergeDigests
from pants.engine.rules import collect_rules
from pants.option.global_options import GlobalOptions
from pants.util.frozendict import FrozenDict
from pants.util.logging import LogLevel

from pants_truss.core.gathered import (
    GatheredFile,
    GatheredRequirement,
    GeneratedFile,
    digest_of,
    with_generated,
)
from pants_truss.core.lint.finding import Severity, fatal
from pants_truss.core.truss_config import CONFIG_FILE
from pants_truss.gather import blocking_findings
from pants_truss.gather.blocking_findings import find_blocking_findings
from pants_truss.gather.plan import PlannedTruss
from pants_truss.imports.import_closure import ImportClosure
from pants_truss.pants_api import create_digest, implicitly, merge_digests, rule
from pants_truss.sources.config_file import InvalidTruss, TrussConfigFile
from pants_truss.sources.external_package_files import PlacedPackage
from pants_truss.sources.file_entries import entry_at
from pants_truss.sources.file_modes import edited_meanwhile
from pants_truss.target_types.field_sets import TrussFieldSet


@dataclass(frozen=True)
class GatheredTruss:
    """A self-contained truss: `digest` holds it at its root, `files` say what is in it and why.

    `tree_digest` is that of `core.tree_digest`. `packages` counts the files that each external root
    gave, by its folder, in the order in which they were placed; `package_roots` has these folders
    by address. `config` is the content of the gathered `config.yaml`, made from `config_file`.
    `notes` are for the user, shown each time that the result is used.
    """

    digest: Digest
    tree_digest: str
    files: Tuple[GatheredFile, ...] = field(hash=False)
    packages: FrozenDict[str, int]
    package_roots: FrozenDict[str, str]
    config_file: TrussConfigFile
    config: bytes
    imports: ImportClosure
    requirements: Tuple[GatheredRequirement, ...]
    notes: Tuple[str, ...]

    @property
    def size(self) -> int:
        """In bytes."""
        return sum(file.size for file in self.files)


# A package is made of a truss with such an error; `pants lint` fails on it.
_LABELS = {
    Severity.ERROR: "Lint error",
    Severity.WARNING: "Warning",
    Severity.NOTE: "Note",
}


@rule(desc="Gather truss", level=LogLevel.DEBUG)
async def gather_truss(request: TrussFieldSet, global_options: GlobalOptions) -> GatheredTruss:
    found = await find_blocking_findings(request, **implicitly())
    planned = found.planned
    errors = fatal(found.findings)
    if errors:
        raise InvalidTruss.found(request.address, errors)
    files = with_generated(
        planned.plan.files, _describe_generated(planned.config_file, planned.generated)
    )
    kept = _kept_files(planned.packages, files)
    whole = [p for p in planned.packages if len(kept[p.address]) == len(p.files)]
    rest = await create_digest(CreateDigest(_entries(planned, whole, files)), **implicitly())
    # Trusses share the digests of packages: it is made and kept once.
    digest = await merge_digests(
        MergeDigests([rest, *(package.digest for package in whole)]), **implicitly()
    )
    _refuse_edited(request, files, global_options)
    return GatheredTruss(
        digest,
        digest_of(files),
        files,
        _count_files(planned.packages, kept),
        FrozenDict({package.address: package.root for package in planned.packages}),
        planned.config_file,
        planned.generated[CONFIG_FILE],
        planned.imports,
        planned.requirements,
        tuple(f"{_LABELS[f.severity]}: {f.place}: {f.text}" for f in found.findings),
    )


def _refuse_edited(
    request: TrussFieldSet, files: Sequence[GatheredFile], global_options: GlobalOptions
) -> None:
    edited = edited_meanwhile((file.source for file in files if file.source), global_options)
    if edited:
        raise InvalidTruss.of(
            request.address,
            f"{edited[0]} was changed while it was gathered, so what was read may be of two states "
            f"of the repository. Run again, or with Pants' daemon, which notices.",
        )


def _describe_generated(
    config_file: TrussConfigFile, generated: Mapping[str, bytes]
) -> Dict[str, GeneratedFile]:
    sources = {CONFIG_FILE: config_file.path}
    return {
        path: GeneratedFile(hashlib.sha256(content).hexdigest(), len(content), sources.get(path))
        for path, content in generated.items()
    }


def _kept_files(
    packages: Sequence[PlacedPackage], files: Sequence[GatheredFile]
) -> Dict[str, List[GatheredFile]]:
    """By the package's address, what of its files is in the result: of several for one path, that
    is the last one."""
    by_path = {file.path: file for file in files}
    return {
        package.address: [file for file in package.files if by_path.get(file.path) is file]
        for package in packages
    }


def _entries(
    planned: PlannedTruss, whole: Sequence[PlacedPackage], files: Sequence[GatheredFile]
) -> List[Union[FileContent, FileEntry]]:
    """Files that are in none of the packages that are there as a whole."""
    there = {file.path for package in whole for file in package.files}
    return [
        FileContent(file.path, planned.generated[file.path], is_executable=file.is_executable)
        if file.path in planned.generated
        else entry_at(file.path, file)
        for file in files
        if file.path not in there
    ]


def _count_files(
    packages: Sequence[PlacedPackage], kept: Mapping[str, Sequence[GatheredFile]]
) -> FrozenDict[str, int]:
    counts: Dict[str, int] = {}
    for package in packages:
        counts[package.root] = counts.get(package.root, 0) + len(kept[package.address])
    return FrozenDict(counts)


def rules() -> Iterable[object]:
    return [*collect_rules(), *blocking_findings.rules()]
