"""`pants package` of a `truss`: the gathered truss in `dist/`, as a directory or as one tar."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Iterable, Optional, Sequence

from pants.core.goals.package import BuiltPackage, BuiltPackageArtifact, PackageFieldSet
from pants.engine.addresses import Address
from pants.engine.fs import (
    AddPrefix,
    CreateDigest,
    MergeDigests,
)
from pants.engine.rules import collect_rules
from pants.engine.unions import UnionRule
from pants.util.logging import LogLevel

from pants_truss.core.manifest import FILE_SUFFIX as MANIFEST_SUFFIX
from pants_truss.core.summary import summarize
from pants_truss.gather import tar, trusses_of_run
from pants_truss.gather.gather import GatheredTruss, gather_truss
from pants_truss.gather.manifest import manifest_file
from pants_truss.gather.output_path import TAR_SUFFIX, ResolveOutputPathRequest, resolve_output_path
from pants_truss.gather.tar import TarTrussRequest, tar_truss
from pants_truss.gather.trusses_of_run import TrussesOfRunRequest, find_trusses_of_run
from pants_truss.pants_api import (
    add_prefix,
    concurrently,
    create_digest,
    implicitly,
    merge_digests,
    per_session,
    rule,
)
from pants_truss.pants_api.per_session import SessionRequest, find_session
from pants_truss.sources.config_file import InvalidTruss
from pants_truss.subsystems.gather import TrussGatherSubsystem
from pants_truss.target_types.field_sets import TrussFieldSet, part_of
from pants_truss.target_types.truss import TrussOutputFormatField, TrussOutputPathField


@dataclass(frozen=True)
class TrussPackageFieldSet(PackageFieldSet, TrussFieldSet):
    output_path: TrussOutputPathField
    output_format: TrussOutputFormatField


@dataclass(frozen=True)
class TryPackageTrussRequest:
    field_set: TrussPackageFieldSet


@dataclass(frozen=True)
class TriedPackageTruss:
    """Either the package or, in `error`, why there is none."""

    address: Address
    package: Optional[BuiltPackage]
    error: Optional[str]


@rule(desc="Package truss", level=LogLevel.DEBUG)
async def try_package_truss(
    request: TryPackageTrussRequest, options: TrussGatherSubsystem
) -> TriedPackageTruss:
    field_set = request.field_set
    is_tar = field_set.output_format.is_tar(options)
    truss = part_of(TrussFieldSet, field_set)
    try:
        output = await resolve_output_path(
            ResolveOutputPathRequest(field_set.output_path), **implicitly()
        )
        path = f"{output.path}{TAR_SUFFIX}" if is_tar else output.path
        if is_tar:
            tarred = await tar_truss(TarTrussRequest(truss, path), **implicitly())
            gathered, made = tarred.gathered, tarred.digest
        else:
            gathered = await gather_truss(truss, **implicitly())
            made = await add_prefix(AddPrefix(gathered.digest, path), **implicitly())
    except InvalidTruss as e:
        await find_session(SessionRequest(), **implicitly())
        return TriedPackageTruss(field_set.address, None, str(e))
    manifest_path = output.path + MANIFEST_SUFFIX
    beside = await create_digest(
        CreateDigest([manifest_file(manifest_path, field_set.address.spec, gathered)]),
        **implicitly(),
    )
    digest = await merge_digests(MergeDigests([made, beside]), **implicitly())
    lines = (_summary(gathered), *gathered.notes)
    artifacts = (
        BuiltPackageArtifact(path, extra_log_lines=tuple(f"  {x}" for x in lines)),
        BuiltPackageArtifact(manifest_path),
    )
    return TriedPackageTruss(field_set.address, BuiltPackage(digest, artifacts), None)


def _summary(gathered: GatheredTruss) -> str:
    return summarize(
        file_count=len(gathered.files),
        packages=gathered.packages,
        imported=sum(file.is_imported for file in gathered.files),
        size=gathered.size,
        digest=gathered.tree_digest,
    )


@rule
async def package_truss(field_set: TrussPackageFieldSet) -> BuiltPackage:
    tried = await try_package_truss(TryPackageTrussRequest(field_set), **implicitly())
    if tried.package:
        return tried.package
    # The goal stops at the first error it meets. So the one that is raised speaks for all trusses
    # that the command line names, or people would mend them one run at a time.
    run = await find_trusses_of_run(TrussesOfRunRequest(), **implicitly())
    others = await concurrently(
        try_package_truss(TryPackageTrussRequest(other), **implicitly())
        for other in map(TrussPackageFieldSet.create, run.targets)
        if other.address != field_set.address
    )
    raise InvalidTruss(_describe_failures([tried, *others]))


def _describe_failures(tried: Sequence[TriedPackageTruss]) -> str:
    errors = [t.error for t in sorted(tried, key=lambda t: t.address) if t.error]
    fine = len(tried) - len(errors)
    parts = [*errors]
    if len(errors) > 1:
        parts.insert(0, f"{len(errors)} trusses cannot be packaged.")
    others = f" The other {'truss' if fine == 1 else f'{fine} trusses'} can be packaged."
    parts.append(
        "Nothing was written: what `dist/` holds is from earlier runs." + (others if fine else "")
    )
    return "\n\n".join(parts)


def rules() -> Iterable[object]:
    return [
        *collect_rules(),
        *per_session.rules(),
        *tar.rules(),
        *trusses_of_run.rules(),
        UnionRule(PackageFieldSet, TrussPackageFieldSet),
    ]
