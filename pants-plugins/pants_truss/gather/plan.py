"""Plans the gathering of a truss: plumbing around `core.gather_plan`. Planning refuses only what
`pants lint` cannot report."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Dict, Iterable, List, Optional, Sequence, Tuple

from pants.engine.addresses import Address
from pants.engine.rules import collect_rules
from pants.engine.target import RegisteredTargetTypes
from pants.util.frozendict import FrozenDict
from pants.util.logging import LogLevel

from pants_truss.core.config_edit import clear_external_package_dirs, set_list
from pants_truss.core.errors import TrussError
from pants_truss.core.gather_plan import (
    GatherPlan,
    place_package,
    place_truss,
    plan_gather,
)
from pants_truss.core.gathered import GatheredRequirement
from pants_truss.core.lint.finding import Finding, Severity
from pants_truss.core.paths import join
from pants_truss.core.truss_config import CONFIG_FILE
from pants_truss.core.truss_ignore import FILE_NAME as IGNORE_FILE
from pants_truss.core.truss_ignore import file_content
from pants_truss.gather.absent_content import (
    ignored_findings,
    pointer_findings,
    submodule_findings,
    tracked_output_findings,
)
from pants_truss.gather.import_findings import import_findings
from pants_truss.gather.plan_findings import (
    collision_findings,
    dropped_findings,
    unowned_findings,
)
from pants_truss.gather.plan_inputs import PlanInputs, read_inputs
from pants_truss.imports import (
    empty_dependencies,
    import_closure,
    import_graph,
    imported_files,
    imported_packages,
    module_elsewhere,
    other_trusses,
    python_owners,
    stubbed_modules,
)
from pants_truss.imports.empty_dependencies import (
    EmptyDependenciesRequest,
    find_empty_dependencies,
)
from pants_truss.imports.import_closure import (
    ImportClosure,
    ImportClosureRequest,
    find_import_closure,
)
from pants_truss.imports.imported_files import (
    ImportedTrees,
    ReadImportedSourcesRequest,
    read_imported_sources,
)
from pants_truss.imports.python_owners import (
    OwnModules,
    OwnModulesRequest,
    PythonModules,
    PythonModulesRequest,
    find_own_modules,
    find_python_modules,
)
from pants_truss.pants_api import (
    concurrently,
    implicitly,
    rule,
)
from pants_truss.requirements import lockfile, truss_requirements
from pants_truss.requirements.request import TrussRequirements
from pants_truss.requirements.truss_requirements import (
    TrussRequirementsRequest,
    find_requirements,
)
from pants_truss.sources import (
    config_file as config_file_rules,
)
from pants_truss.sources import (
    external_package_files,
    external_packages,
    file_modes,
    pointer_files,
    workspace_scan,
)
from pants_truss.sources.config_file import (
    InvalidTruss,
    TrussConfigFile,
)
from pants_truss.sources.external_package_files import (
    PlacedPackage,
)
from pants_truss.sources.pointer_files import (
    EmptySubmodulesRequest,
    find_empty_submodules,
    find_pointers,
    pointer_requests,
)
from pants_truss.subsystems.gather import TrussGatherSubsystem
from pants_truss.target_types.field_sets import TrussFieldSet


@dataclass(frozen=True)
class PlannedTruss:
    """What the gathered truss will hold: `plan`, with the files in `generated` in place of those at
    the same paths. `packages` are its external packages, in the order in which they are placed;
    `requirements` are those of the result. `findings` are what planning came across; those about
    distributions that are missing are in `missing`, with the modules of each.
    """

    config_file: TrussConfigFile
    plan: GatherPlan
    packages: Tuple[PlacedPackage, ...]
    generated: FrozenDict[str, bytes]
    imports: ImportClosure
    requirements: Tuple[GatheredRequirement, ...]
    findings: Tuple[Finding, ...]
    missing: Tuple[Tuple[Finding, Tuple[str, ...]], ...]


async def _find_empty_dependencies(
    truss: TrussFieldSet, inputs: PlanInputs, closure: ImportClosure, imported: ImportedTrees
) -> List[Finding]:
    """Raises `InvalidTruss` for those that the truss or one of its packages names."""
    given = frozenset(
        [
            *(tree.address for tree in imported.trees if tree.files),
            *(requirement.address for requirement in closure.requirements),
            *(package.address for package in inputs.packages),
        ]
    )
    files = frozenset(
        join(read.tree.root, file.path) for read in inputs.trees for file in read.tree.files
    )
    found = await concurrently(
        find_empty_dependencies(EmptyDependenciesRequest(field, given, files), **implicitly())
        for field in (
            truss.dependencies,
            *(package.dependencies for package in inputs.external),
        )
    )
    errors = [error for each in found for error in each.errors]
    if errors:
        raise InvalidTruss.of(
            truss.address,
            "these explicit dependencies bring nothing into it:\n"
            + "\n".join(f"  * {error}" for error in errors),
        )
    return [
        Finding("dropped-file", inputs.config_file.path, warning, Severity.WARNING)
        for each in found
        for warning in each.warnings
    ]


@dataclass(frozen=True)
class _Needed:
    """What the code of a truss needs. `modules` are its own."""

    modules: OwnModules
    closure: ImportClosure
    imported: ImportedTrees
    requirements: TrussRequirements


async def _find_needed(truss: TrussFieldSet, inputs: PlanInputs) -> _Needed:
    config_file = inputs.config_file
    modules = await find_own_modules(
        OwnModulesRequest(truss.sources, truss.resolve, truss.config), **implicitly()
    )
    closure = await find_import_closure(
        ImportClosureRequest(
            truss.dependencies,
            config_file.config.model_file,
            truss.bundle_imports.value,
            modules.resolve,
            inputs.present,
            tuple(package.dependencies for package in inputs.external),
        ),
        **implicitly(),
    )
    imported = await read_imported_sources(
        ReadImportedSourcesRequest(closure.sources), **implicitly()
    )
    requirements = await find_requirements(
        TrussRequirementsRequest(
            truss.address,
            truss.requirements,
            config_file,
            modules.resolve,
            closure.requirements,
        ),
        **implicitly(),
    )
    return _Needed(modules, closure, imported, requirements)


async def _find_absent_content(
    truss: TrussFieldSet, inputs: PlanInputs, plan: GatherPlan
) -> List[Finding]:
    """Files that are not in the plan, or do not hold what they should."""
    config_file, ignore = inputs.config_file, inputs.ignore
    pointers = await concurrently(
        find_pointers(request, **implicitly()) for request in pointer_requests(plan.files)
    )
    submodules = await find_empty_submodules(EmptySubmodulesRequest(), **implicitly())
    sources = (truss.sources, *(package.sources for package in inputs.external))
    return [
        *ignored_findings(config_file, inputs.trees, ignore),
        *pointer_findings(config_file.config, plan.files, pointers),
        *submodule_findings(config_file, sources, ignore, submodules),
        *tracked_output_findings(config_file, inputs.trees, ignore),
    ]


async def _find_unowned_modules(inputs: PlanInputs, needed: _Needed) -> List[Finding]:
    own = PythonModules(needed.modules.nodes, needed.modules.unowned)
    of_packages = await concurrently(
        find_python_modules(PythonModulesRequest(package.sources), **implicitly())
        for package in inputs.external
    )
    return [
        *unowned_findings(
            inputs.config_file,
            inputs.trees,
            [own, *of_packages],
            inputs.ignore,
            needed.imported.trees,
        )
    ]


@rule(desc="Plan truss", level=LogLevel.DEBUG)
async def plan_truss(
    truss: TrussFieldSet, options: TrussGatherSubsystem, target_types: RegisteredTargetTypes
) -> PlannedTruss:
    inputs = await read_inputs(truss, options)
    needed = await _find_needed(truss, inputs)
    config_file, ignore, imported = inputs.config_file, inputs.ignore, needed.imported
    empty = await _find_empty_dependencies(truss, inputs, needed.closure, imported)
    plan = plan_gather(
        (
            place_truss(inputs.own.tree, truss.config.value, ignore),
            *(package.files for package in inputs.packages),
            *(
                place_package(tree, config_file.config.bundled_packages_dir, ignore)
                for tree in imported.trees
            ),
        )
    )
    required = needed.requirements
    findings = [
        *empty,
        *collision_findings(plan, options.package_collisions),
        *await _find_absent_content(truss, inputs, plan),
        *dropped_findings(config_file, needed.closure, imported.trees, ignore),
        *import_findings(
            config_file,
            needed.closure.unbundled,
            [listed.requirement for listed in required.listed],
            {file.path for file in plan.files},
        ),
        *required.findings,
    ]
    if truss.bundle_imports.value and "python_sources" in target_types.aliases:
        findings += await _find_unowned_modules(inputs, needed)
    return PlannedTruss(
        config_file,
        plan,
        inputs.packages,
        FrozenDict(_generated(truss.address, config_file, required.pins, inputs.lines)),
        needed.closure,
        required.listed,
        tuple(findings),
        required.missing,
    )


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
        raise InvalidTruss.of(address, e, config_file.path) from None
    return {CONFIG_FILE: config, IGNORE_FILE: file_content(lines)}


def rules() -> Iterable[object]:
    return [
        *collect_rules(),
        *empty_dependencies.rules(),
        *external_packages.rules(),
        *import_closure.rules(),
        *import_graph.rules(),
        *imported_files.rules(),
        *imported_packages.rules(),
        *module_elsewhere.rules(),
        *external_package_files.rules(),
        *lockfile.rules(),
        *other_trusses.rules(),
        *python_owners.rules(),
        *stubbed_modules.rules(),
        *truss_requirements.rules(),
        *config_file_rules.rules(),
        *pointer_files.rules(),
        *file_modes.rules(),
        *workspace_scan.rules(),
    ]
