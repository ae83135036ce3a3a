"""Gathers a truss as planned, unless something in it must never reach a package."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Dict, Iterable, List, Mapping, Sequence, Tuple, Union

from pants.engine.fs import CreateDigest, Digest, FileContent, FileDigest, FileEntry
from pants.engine.rules import collect_rules
from pants.option.global_options import GlobalOptions
from pants.util.frozendict import FrozenDict
from pants.util.logging import LogLevel

from pants_truss.core.gather_plan import EXPLICIT, EXTERNAL_PACKAGE, GatherPlan, SourceTree
from pants_truss.core.gathered import (
    GatheredFile,
    GatheredRequirement,
    GeneratedFile,
    digest_of,
    gathered_files,
)
from pants_truss.core.lint.finding import Severity, fatal
from pants_truss.core.truss_config import CONFIG_FILE
from pants_truss.engine import create_digest, implicitly, rule
from pants_truss.util_rules import fatal_findings
from pants_truss.util_rules.fatal_findings import FatalFindingsRequest, find_fatal_findings
from pants_truss.util_rules.import_closure import ImportClosure
from pants_truss.util_rules.plan import GatherTrussRequest
from pants_truss.util_rules.truss_config import InvalidTruss, TrussConfigFile
from pants_truss.util_rules.workspace import edited_meanwhile


@dataclass(frozen=True)
class GatheredTruss:
    """A self-contained truss: `digest` holds it at its root, `files` say what is in it and why.

    `tree_digest` is that of `core.tree_digest`; `packages` counts the files that each external root
    gave, by its folder, in the order in which they were laid in, and `package_roots` has these
    folders by address. `notes` are for the user, to be shown each time that the result is used.
    """

    digest: Digest
    tree_digest: str
    files: Tuple[GatheredFile, ...]
    packages: FrozenDict[str, int]
    package_roots: FrozenDict[str, str]
    imports: ImportClosure
    requirements: Tuple[GatheredRequirement, ...]
    notes: Tuple[str, ...]

    @property
    def size(self) -> int:
        """In bytes."""
        return sum(file.size for file in self.files)


# A package is made of a truss with such an error; `pants lint` fails on it.
_LABELS = {Severity.ERROR: "Lint error", Severity.WARNING: "Warning", Severity.NOTE: "Note"}


@rule(desc="Gather truss", level=LogLevel.DEBUG)
async def gather_truss(request: GatherTrussRequest, global_options: GlobalOptions) -> GatheredTruss:
    found = await find_fatal_findings(FatalFindingsRequest(request), **implicitly())
    planned = found.planned
    errors = fatal(found.findings)
    if errors:
        raise InvalidTruss.found(request.address, errors)
    digest = await create_digest(
        CreateDigest(_entries(planned.plan, planned.generated)), **implicitly()
    )
    files = gathered_files(
        planned.plan, _describe_generated(planned.config_file, planned.generated)
    )
    _refuse_edited(request, files, global_options)
    return GatheredTruss(
        digest,
        digest_of(files),
        files,
        _count_files(planned.plan, planned.packages),
        FrozenDict({package.address: package.root for package in planned.packages}),
        planned.imports,
        planned.requirements,
        tuple(f"{_LABELS[f.severity]}: {f.place}: {f.text}" for f in found.findings),
    )


def _refuse_edited(
    request: GatherTrussRequest, files: Sequence[GatheredFile], global_options: GlobalOptions
) -> None:
    edited = edited_meanwhile((file.source for file in files if file.source), global_options)
    if edited:
        raise InvalidTruss.of(
            request.address,
            f"{edited[0]} was changed while it was gathered, so what was read may be of two states "
            f"of the repository. Run again, or with Pants' daemon, which notices.",
        )


def entry_at(path: str, file: GatheredFile) -> FileEntry:
    """The file of a gathered truss, at another path than there."""
    return FileEntry(path, FileDigest(file.sha256, file.size), is_executable=file.is_executable)


def _describe_generated(
    config_file: TrussConfigFile, generated: Mapping[str, bytes]
) -> Dict[str, GeneratedFile]:
    sources = {CONFIG_FILE: config_file.path}
    return {
        path: GeneratedFile(hashlib.sha256(content).hexdigest(), len(content), sources.get(path))
        for path, content in generated.items()
    }


def _entries(
    plan: GatherPlan, generated: Mapping[str, bytes]
) -> List[Union[FileContent, FileEntry]]:
    executables = {planned.path for planned in plan.files if planned.file.is_executable}
    return [
        *(
            FileEntry(
                planned.path,
                FileDigest(planned.file.sha256, planned.file.size),
                is_executable=planned.file.is_executable,
            )
            for planned in plan.files
            if planned.path not in generated
        ),
        *(
            FileContent(path, content, is_executable=path in executables)
            for path, content in generated.items()
        ),
    ]


def _count_files(plan: GatherPlan, packages: Sequence[SourceTree]) -> FrozenDict[str, int]:
    counts = {package.root: 0 for package in packages}
    reasons = {EXTERNAL_PACKAGE, EXPLICIT}
    addresses = {package.address for package in packages}
    for planned in plan.files:
        if planned.source.address in addresses and planned.source.reason in reasons:
            counts[planned.source.root] += 1
    return FrozenDict(counts)


def rules() -> Iterable[object]:
    return [*collect_rules(), *fatal_findings.rules()]
