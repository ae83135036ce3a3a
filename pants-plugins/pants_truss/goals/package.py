"""`pants package` of a `truss`: the gathered truss in `dist/`, as a directory or as one tar."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Iterable, Optional, Sequence, cast

from pants.base.build_environment import get_buildroot
from pants.core.goals.package import BuiltPackage, BuiltPackageArtifact, PackageFieldSet
from pants.core.util_rules.distdir import DistDir
from pants.engine.addresses import Address
from pants.engine.fs import EMPTY_DIGEST, AddPrefix, CreateDigest, MergeDigests
from pants.engine.rules import collect_rules
from pants.engine.unions import UnionRule
from pants.util.logging import LogLevel

from pants_truss.core.errors import TrussError
from pants_truss.core.manifest import FILE_SUFFIX as MANIFEST_SUFFIX
from pants_truss.core.manifest import read_tree_digest
from pants_truss.core.summary import summarize, summarize_run
from pants_truss.core.terminal import visible
from pants_truss.gather import tar, trusses_of_run
from pants_truss.gather.gather import GatheredTruss, gather_truss
from pants_truss.gather.manifest import manifest_file
from pants_truss.gather.output_path import TAR_SUFFIX, ResolveOutputPathRequest, resolve_output_path
from pants_truss.gather.tar import TarTrussRequest, tar_truss
from pants_truss.gather.trusses_of_run import TrussesOfRunRequest, find_trusses_of_run
from pants_truss.goals import embedding_packages
from pants_truss.goals.embedding_packages import (
    EmbeddingPackagesRequest,
    find_embedding_packages,
)
from pants_truss.pants_api import (
    CommandLineOptions,
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
from pants_truss.subsystems.lint import InvalidLintOptions
from pants_truss.target_types.field_sets import TrussFieldSet, part_of
from pants_truss.target_types.truss import TrussOutputFormatField, TrussOutputPathField


@dataclass(frozen=True)
class TrussPackageFieldSet(PackageFieldSet, TrussFieldSet):
    output_path: TrussOutputPathField
    output_format: TrussOutputFormatField


@dataclass(frozen=True)
class FalliblePackageRequest:
    field_set: TrussPackageFieldSet


@dataclass(frozen=True)
class FalliblePackage:
    """Either the package or, in `error`, why there is none. The manifest of the package, at a path
    below `dist/`, has the `tree_digest`."""

    address: Address
    package: Optional[BuiltPackage]
    error: Optional[str]
    manifest_path: str = ""
    tree_digest: str = ""


@rule(desc="Package truss", level=LogLevel.DEBUG)
async def package_truss_fallibly(
    request: FalliblePackageRequest, options: TrussGatherSubsystem
) -> FalliblePackage:
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
    except InvalidLintOptions:
        raise
    except Exception as e:
        await find_session(SessionRequest(), **implicitly())
        is_ours = isinstance(e, (InvalidTruss, TrussError))
        # Pants may fail too, on a file that it cannot parse or an address that does not exist.
        error = e if is_ours else InvalidTruss.of(field_set.address, f"it cannot be gathered: {e}")
        return FalliblePackage(field_set.address, None, str(error))
    manifest_path = output.path + MANIFEST_SUFFIX
    beside = await create_digest(
        CreateDigest([manifest_file(manifest_path, field_set.address.spec, gathered)]),
        **implicitly(),
    )
    digest = await merge_digests(MergeDigests([made, beside]), **implicitly())
    lines = (_summary(gathered), *gathered.notes)
    artifacts = (
        BuiltPackageArtifact(path, extra_log_lines=tuple(f"  {visible(x)}" for x in lines)),
        BuiltPackageArtifact(manifest_path),
    )
    return FalliblePackage(
        field_set.address,
        BuiltPackage(digest, artifacts),
        None,
        manifest_path,
        gathered.tree_digest,
    )


def _summary(gathered: GatheredTruss) -> str:
    return summarize(
        file_count=len(gathered.files),
        packages=gathered.packages,
        imported=sum(file.is_imported for file in gathered.files),
        size=gathered.size,
        digest=gathered.tree_digest,
    )


@dataclass(frozen=True)
class _ErrorLine:
    """A line of a package's output that fails the goal. Pants writes the lines after it has written
    the packages to `dist/`."""

    text: str

    def __str__(self) -> str:
        raise InvalidTruss(self.text)


@rule
async def package_truss(
    field_set: TrussPackageFieldSet,
    options: TrussGatherSubsystem,
    command_line: CommandLineOptions,
    dist_dir: DistDir,
) -> BuiltPackage:
    tried = await package_truss_fallibly(FalliblePackageRequest(field_set), **implicitly())
    is_goal = command_line.options.goals == ["package"]
    keeps_going = options.keep_going and is_goal
    if keeps_going and not tried.package:
        # Pants would make these packages without the truss.
        embedding = await find_embedding_packages(
            EmbeddingPackagesRequest(field_set.address), **implicitly()
        )
        keeps_going = not embedding.addresses
    run = await find_trusses_of_run(TrussesOfRunRequest(), **implicitly())
    addresses = [target.address for target in run.targets] if run.is_exact else []
    # Pants writes what it prints of the packages in this order.
    is_last = is_goal and len(addresses) > 1 and field_set.address == addresses[-1]
    if tried.package and not is_last:
        return tried.package
    if not tried.package and keeps_going and field_set.address in addresses[:-1]:
        return BuiltPackage(EMPTY_DIGEST, ())
    if not run.is_exact and not tried.package:
        error = _describe_failures([tried], is_written=keeps_going)
        if not keeps_going:
            raise InvalidTruss(error)
        return BuiltPackage(EMPTY_DIGEST, (_printed(_ErrorLine(error)),))
    # The goal stops at the first error it meets. So the one that is raised speaks for all trusses
    # of the run, or people would fix them one run at a time.
    others = await concurrently(
        package_truss_fallibly(FalliblePackageRequest(other), **implicitly())
        for other in map(TrussPackageFieldSet.create, run.targets)
        if other.address != field_set.address
    )
    everything = [tried, *others]
    failed = [each for each in everything if each.error]
    can_go_on = keeps_going and is_last and len(failed) < len(everything)
    if failed and not can_go_on:
        if tried.package:
            return tried.package
        raise InvalidTruss(_describe_failures(everything, is_written=False))
    # The contents of `dist/` are valid for this run only.
    await find_session(SessionRequest(), **implicitly())
    built = tried.package or BuiltPackage(EMPTY_DIGEST, ())
    more = [_printed(_summary_of_run(everything, str(dist_dir.relpath)))]
    if failed:
        more.append(_printed(_ErrorLine(_describe_failures(everything, is_written=True))))
    return BuiltPackage(built.digest, (*built.artifacts, *more))


def _printed(line: object) -> BuiltPackageArtifact:
    return BuiltPackageArtifact(None, extra_log_lines=cast(Any, (line,)))


def _summary_of_run(tried: Sequence[FalliblePackage], dist: str) -> str:
    """With what was in `dist/` before."""
    made = [each for each in tried if each.package]
    unchanged = sum(_is_in(dist, each) for each in made)
    return summarize_run(
        rebuilt=len(made) - unchanged, unchanged=unchanged, failed=len(tried) - len(made)
    )


def _is_in(dist: str, made: FalliblePackage) -> bool:
    """Returns True if an earlier run wrote the same truss to `dist`."""
    folder = Path(get_buildroot(), dist)
    artifact = made.package.artifacts[0].relpath if made.package else None
    try:
        with (folder / made.manifest_path).open("rb") as file:
            digest = read_tree_digest(file.read(1000))
    except OSError:
        return False
    return digest == made.tree_digest and bool(artifact) and (folder / str(artifact)).exists()


def _describe_failures(tried: Sequence[FalliblePackage], *, is_written: bool) -> str:
    errors = [t.error for t in sorted(tried, key=lambda t: t.address) if t.error]
    fine = len(tried) - len(errors)
    parts = [*errors]
    if len(errors) > 1:
        parts.insert(0, f"{len(errors)} trusses cannot be packaged.")
    others = "truss" if fine == 1 else f"{fine} trusses"
    if is_written and fine:
        parts.append(f"The other {others} {'is' if fine == 1 else 'are'} in `dist/`.")
    elif is_written:
        parts.append("The packages of the run that can be made are in `dist/`.")
    else:
        remedy = f" The other {others} can be packaged with `--truss-gather-keep-going`."
        parts.append(
            "Nothing was written: what `dist/` holds is from earlier runs."
            + (remedy if fine else "")
        )
    return "\n\n".join(parts)


def rules() -> Iterable[object]:
    return [
        *collect_rules(),
        *embedding_packages.rules(),
        *per_session.rules(),
        *tar.rules(),
        *trusses_of_run.rules(),
        UnionRule(PackageFieldSet, TrussPackageFieldSet),
    ]
