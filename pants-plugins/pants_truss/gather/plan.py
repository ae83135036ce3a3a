"""Plans the gathering of a truss: plumbing around `core.gather_plan`. Nothing is refused here that
`pants lint` could tell of."""

from __future__ import annotations

import posixpath
from dataclasses import dataclass
from typing import Dict, Iterable, List, Optional, Sequence, Tuple

from pants.engine.addresses import Address
from pants.engine.rules import collect_rules
from pants.engine.target import RegisteredTargetTypes
from pants.util.frozendict import FrozenDict
from pants.util.logging import LogLevel

from pants_truss.core.bundling import HeldFiles, held_tree
from pants_truss.core.config_edit import clear_external_package_dirs, set_list
from pants_truss.core.errors import TrussError
from pants_truss.core.gather_plan import GatherPlan, lay_package, lay_truss, plan_gather
from pants_truss.core.gathered import GatheredRequirement
from pants_truss.core.gitignore import IgnorePatterns
from pants_truss.core.lint.finding import Finding
from pants_truss.core.paths import join
from pants_truss.core.source_tree import EXPLICIT, EXTERNAL_PACKAGE
from pants_truss.core.truss_config import CONFIG_FILE
from pants_truss.core.truss_ignore import FILE_NAME as IGNORE_FILE
from pants_truss.core.truss_ignore import file_content, ignore_lines
from pants_truss.gather.plan_findings import (
    collision_findings,
    dropped_findings,
    refuse_bad_paths,
    refuse_narrow_sources,
    unowned_findings,
    unseen_findings,
)
from pants_truss.imports import (
    import_closure,
    import_graph,
    imported_files,
    other_trusses,
    python_owners,
)
from pants_truss.imports.import_closure import (
    ImportClosure,
    ImportClosureRequest,
    find_import_closure,
)
from pants_truss.imports.imported_files import ReadImportedSourcesRequest, read_imported_sources
from pants_truss.imports.python_owners import (
    OwnModulesRequest,
    PythonModulesRequest,
    find_own_modules,
    find_python_modules,
)
from pants_truss.pants_api import (
    concurrently,
    get_digest_contents,
    implicitly,
    path_globs_to_digest,
    rule,
)
from pants_truss.requirements import lockfile, truss_requirements
from pants_truss.requirements.truss_requirements import TrussRequirementsRequest, find_requirements
from pants_truss.sources import (
    config_file as config_file_rules,
)
from pants_truss.sources import (
    external_package_files,
    external_packages,
    workspace_scan,
)
from pants_truss.sources.config_file import (
    InvalidTruss,
    ReadTrussConfigRequest,
    TrussConfigFile,
    read_truss_config,
)
from pants_truss.sources.external_package_files import (
    LaidPackage,
    LayPackageRequest,
    lay_external_package,
)
from pants_truss.sources.external_packages import ExternalPackagesRequest, find_external_packages
from pants_truss.sources.globs import exactly
from pants_truss.sources.target_files import ReadSourceTreeRequest, read_source_tree
from pants_truss.subsystems.gather import TrussGatherSubsystem
from pants_truss.target_types.field_sets import OfTruss, TrussFieldSet


@dataclass(frozen=True)
class PlanTrussRequest(OfTruss):
    truss: TrussFieldSet


@dataclass(frozen=True)
class PlannedTruss:
    """What the gathered truss will hold: `plan`, with the files in `generated` in place of those at
    the same paths. `packages` are its external packages, in the order in which they are laid in;
    `requirements` are those of the result. `findings` are what planning came across.
    """

    config_file: TrussConfigFile
    plan: GatherPlan
    packages: Tuple[LaidPackage, ...]
    generated: FrozenDict[str, bytes]
    imports: ImportClosure
    requirements: Tuple[GatheredRequirement, ...]
    findings: Tuple[Finding, ...]


@rule(desc="Plan truss", level=LogLevel.DEBUG)
async def plan_truss(
    plan_request: PlanTrussRequest,
    options: TrussGatherSubsystem,
    target_types: RegisteredTargetTypes,
) -> PlannedTruss:
    request = plan_request.truss
    config_file = await read_truss_config(ReadTrussConfigRequest(request.config), **implicitly())
    found = await find_external_packages(
        ExternalPackagesRequest(request.config, request.dependencies), **implicitly()
    )
    own = await read_source_tree(ReadSourceTreeRequest(request.sources), **implicitly())
    ignore_digest = await path_globs_to_digest(
        exactly(join(request.address.spec_path, IGNORE_FILE)), **implicitly()
    )
    ignore_contents = await get_digest_contents(ignore_digest)
    user_ignore = ignore_contents[0].content if ignore_contents else None
    lines = _ignore_lines(request, options, user_ignore)
    ignore = IgnorePatterns(lines)
    bundled = config_file.config.bundled_packages_dir
    packages = await concurrently(
        lay_external_package(
            LayPackageRequest(
                package.sources,
                EXTERNAL_PACKAGE if package.is_configured else EXPLICIT,
                bundled,
                tuple(lines),
            ),
            **implicitly(),
        )
        for package in found.packages
    )
    external = [package.read for package in packages]
    refuse_bad_paths(request.address, config_file, (own, *external), ignore)
    refuse_narrow_sources(request.address, request.config.value, own.tree, user_ignore)
    modules = await find_own_modules(
        OwnModulesRequest(request.sources, request.resolve), **implicitly()
    )
    owned = await concurrently(
        find_python_modules(PythonModulesRequest(sources), **implicitly())
        for sources in (request.sources, *(package.sources for package in found.packages))
    )
    closure = await find_import_closure(
        ImportClosureRequest(
            request.dependencies,
            config_file.config.model_file,
            request.bundle_imports.value,
            modules.resolve,
            HeldFiles(
                held_tree(own.tree, "", ignore),
                tuple(package.held for package in packages),
                bundled,
                posixpath.dirname(config_file.config.model_file),
            ),
            tuple(package.dependencies for package in found.packages),
        ),
        **implicitly(),
    )
    imported = await read_imported_sources(
        ReadImportedSourcesRequest(closure.sources), **implicitly()
    )
    required = await find_requirements(
        TrussRequirementsRequest(
            request.address,
            request.requirements,
            config_file,
            modules.resolve,
            closure.requirements,
        ),
        **implicitly(),
    )
    plan = plan_gather(
        (
            lay_truss(own.tree, request.config.value, ignore),
            *(package.files for package in packages),
            *(lay_package(tree, bundled, ignore) for tree in imported.trees),
        )
    )
    findings = [
        *collision_findings(plan, options.package_collisions),
        *unseen_findings(config_file, (own, *external), ignore),
        *dropped_findings(config_file, closure, imported.trees, ignore),
        *required.findings,
    ]
    if request.bundle_imports.value and "python_sources" in target_types.aliases:
        findings += unowned_findings(config_file, (own, *external), owned, ignore, imported.trees)
    return PlannedTruss(
        config_file,
        plan,
        tuple(packages),
        FrozenDict(_generated(request.address, config_file, required.pins, lines)),
        closure,
        required.listed,
        tuple(findings),
    )


def _ignore_lines(
    request: TrussFieldSet, options: TrussGatherSubsystem, user_file: Optional[bytes]
) -> List[str]:
    try:
        return ignore_lines(options.ignore, user_file)
    except TrussError as e:
        raise InvalidTruss.of(request.address, e) from None


def _generated(
    address: Address,
    config_file: TrussConfigFile,
    pins: Optional[Tuple[str, ...]],
    lines: Sequence[str],
) -> Dict[str, bytes]:
    """The files whose content is made here, by path in the gathered truss."""
    try:
        config = clear_external_package_dirs(config_file.content)
        if pins is not None and pins != config_file.config.requirements:
            config = set_list(config, "requirements", pins)
    except TrussError as e:
        raise InvalidTruss.of(address, f"{config_file.path}: {e}") from None
    return {CONFIG_FILE: config, IGNORE_FILE: file_content(lines)}


def rules() -> Iterable[object]:
    return [
        *collect_rules(),
        *external_packages.rules(),
        *import_closure.rules(),
        *import_graph.rules(),
        *imported_files.rules(),
        *external_package_files.rules(),
        *lockfile.rules(),
        *other_trusses.rules(),
        *python_owners.rules(),
        *truss_requirements.rules(),
        *config_file_rules.rules(),
        *workspace_scan.rules(),
    ]
