"""Gathers what a `truss_training` target runs: its truss, with the training code."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from typing import Any, Iterable, List, Optional, Sequence, Tuple

from pants.backend.python.dependency_inference import module_mapper
from pants.backend.python.dependency_inference.module_mapper import PythonModuleOwnersRequest
from pants.engine.addresses import Address, Addresses, UnparsedAddressInputs
from pants.engine.fs import Digest
from pants.engine.rules import collect_rules
from pants.engine.target import FieldSet
from pants.util.logging import LogLevel

from pants_truss.core import truss_config, yaml_document
from pants_truss.core.errors import TrussError
from pants_truss.core.local_serving import environment_variables
from pants_truss.core.paths import join
from pants_truss.core.training import (
    FACTS,
    REQUIREMENTS,
    RUNNER,
    EntryPoint,
    parse_entry_point,
)
from pants_truss.gather import gather
from pants_truss.gather.gather import gather_truss
from pants_truss.gather.plan import plan_truss
from pants_truss.imports.import_graph import PythonOwnersRequest, file_of, find_python_owners
from pants_truss.imports.python_owners import OwnModulesRequest, find_own_modules
from pants_truss.pants_api import (
    addresses_from_raw_specs_without_file_owners,
    explicitly_provided_dependencies,
    find_module_owners,
    implicitly,
    resolve_targets,
    resolve_unparsed_address_inputs,
    rule,
)
from pants_truss.sources.config_file import InvalidTruss
from pants_truss.sources.folder_specs import in_folder
from pants_truss.sources.target_files import FindSourcePathsRequest, find_source_paths
from pants_truss.target_types.field_sets import TrussFieldSet
from pants_truss.target_types.training import (
    TrussTrainingDependenciesField,
    TrussTrainingEntryPointField,
    TrussTrainingTrussField,
)
from pants_truss.target_types.truss import TrussConfigField, TrussDependenciesField


class InvalidTraining(InvalidTruss):
    """The same for a `truss_training` target."""


@dataclass(frozen=True)
class TrainingFieldSet(FieldSet):
    required_fields = (TrussTrainingEntryPointField,)

    entry_point: TrussTrainingEntryPointField
    truss: TrussTrainingTrussField
    dependencies: TrussTrainingDependenciesField


@dataclass(frozen=True)
class TrainedTruss:
    address: Address
    truss: TrussFieldSet


@rule
async def find_trained_truss(request: TrainingFieldSet) -> TrainedTruss:
    field = request.truss
    if field.value:
        addresses = await resolve_unparsed_address_inputs(
            UnparsedAddressInputs(
                [field.value],
                owning_address=request.address,
                description_of_origin=f"the `{field.alias}` field of {request.address}",
            ),
            **implicitly(),
        )
    else:
        addresses = await addresses_from_raw_specs_without_file_owners(
            in_folder(request.address.spec_path, "the truss of a `truss_training`"), **implicitly()
        )
    targets = await resolve_targets(Addresses(addresses))
    found = [target for target in targets if target.has_field(TrussConfigField)]
    trusses = sorted(found, key=lambda target: target.address.spec)
    if len(trusses) != 1:
        raise InvalidTraining.of(
            request.address, _describe_choice(field, [target.address for target in trusses])
        )
    return TrainedTruss(trusses[0].address, TrussFieldSet.create(trusses[0]))


def _describe_choice(field: TrussTrainingTrussField, trusses: Sequence[Address]) -> str:
    if field.value:
        return f"its `{field.alias}` is {field.value!r}, which is not a `truss` target. Name one."
    if not trusses:
        return f'its BUILD file has no `truss`. Name one: `{field.alias}="path/to:truss"`.'
    listed = ", ".join(str(address) for address in trusses)
    name = trusses[0].target_name
    return f'its BUILD file has several trusses ({listed}). Name one: `{field.alias}=":{name}"`.'


@dataclass(frozen=True)
class FindEntryPointRequest:
    training: TrainingFieldSet
    truss: TrussFieldSet


@dataclass(frozen=True)
class FoundEntryPoint:
    """`file` is its path in the repository, and `owner` the target that owns it. `is_own`: it is a
    file of the truss, which may have no owner."""

    entry_point: EntryPoint
    file: str
    owner: Optional[Address]
    is_own: bool = False


@rule
async def find_entry_point(request: FindEntryPointRequest) -> FoundEntryPoint:
    training, truss = request.training, request.truss
    field = training.entry_point
    try:
        entry_point = parse_entry_point(field.value)
    except TrussError as e:
        raise InvalidTraining.of(training.address, f"its `{field.alias}` {e}") from None
    own = await find_source_paths(FindSourcePathsRequest(truss.sources), **implicitly())
    modules = await find_own_modules(
        OwnModulesRequest(truss.sources, truss.resolve, truss.config), **implicitly()
    )
    if entry_point.file:
        file = join(training.address.spec_path, entry_point.file)
        owners = await find_python_owners(
            PythonOwnersRequest(file.rpartition("/")[0]), **implicitly()
        )
        of_file = owners.by_file.get(file, ())
        nodes = [node for node in of_file if modules.resolve in (None, node.resolve)]
        if file in own.paths:
            nodes = [*nodes, *of_file]
        elif not nodes:
            raise InvalidTraining.of(
                training.address,
                f"its `{field.alias}` is {field.value!r}, but no `python_source` target owns "
                f"{file}. Add `python_sources()` to its folder, or fix the path.",
            )
        owner = nodes[0].address if nodes else None
        return FoundEntryPoint(entry_point, file, owner, file in own.paths)
    found = await find_module_owners(
        PythonModuleOwnersRequest(
            entry_point.module or "", modules.resolve, locality=training.address.spec_path
        ),
        **implicitly(),
    )
    targets = await resolve_targets(Addresses((*found.unambiguous, *found.ambiguous)))
    files = {
        file: target.address
        for target in targets
        for file in [file_of(target) or ""]
        if file.endswith(".py")
    }
    inside = [file for file in files if file in own.paths]
    if not files or (len(files) > 1 and len(inside) != 1):
        listed = f": {', '.join(sorted(files))}" if files else ""
        many = "several files define" if files else "no `python_source` target has"
        raise InvalidTraining.of(
            training.address,
            f"its `{field.alias}` is {field.value!r}, but {many} the module "
            f"`{entry_point.module}`{listed}. Name the file instead.",
        )
    file = (inside or [*files])[0]
    return FoundEntryPoint(entry_point, file, files[file], file in own.paths)


@dataclass(frozen=True)
class Training:
    """`truss` is the truss of the target, with the dependencies of training added. `explicit` are
    the dependencies that the target lists. `facts` is the JSON that `run_training.py` reads, for a
    truss in the script's own folder."""

    truss: TrussFieldSet
    explicit: Tuple[str, ...]
    digest: Digest
    paths: Tuple[str, ...]
    facts: str


@rule(desc="Gather truss for training", level=LogLevel.DEBUG)
async def gather_training(request: TrainingFieldSet) -> Training:
    trained = await find_trained_truss(request, **implicitly())
    found = await find_entry_point(FindEntryPointRequest(request, trained.truss), **implicitly())
    explicit = await explicitly_provided_dependencies(request.dependencies)
    listed = tuple(address.spec for address in explicit.includes)
    owner = (found.owner.spec,) if found.owner else ()
    alone = await plan_truss(_with_dependencies(trained.truss, listed), **implicitly())
    if found.is_own and found.file not in {file.source for file in alone.plan.files}:
        raise InvalidTraining.of(
            request.address,
            f"the ignore patterns of its truss leave out {found.file}. Change `.truss_ignore` or "
            f"`[truss-gather].ignore`.",
        )
    # Only what serves counts by itself. Naming the entry point brings what it imports.
    truss = _with_dependencies(trained.truss, (*listed, *owner))
    gathered = await gather_truss(truss, **implicitly())
    for file in gathered.files:
        if file.path in (RUNNER, FACTS, REQUIREMENTS):
            raise InvalidTraining.of(
                request.address,
                f"its truss has a file {file.path} ({file.source}), a name that the folder for "
                f"training needs itself. Rename the file.",
            )
    places = [file.path for file in gathered.files if file.source == found.file]
    if not places:
        raise InvalidTraining.of(
            request.address,
            f"the ignore patterns of its truss leave out {found.file}. Change `.truss_ignore` or "
            f"`[truss-gather].ignore`.",
        )
    document = yaml_document.parse(gathered.config)
    config = truss_config.read(document)
    facts = {
        "command": f"pants run {request.address} --",
        "truss": ".",
        "packages": config.bundled_packages_dir,
        "data_dir": config.data_dir,
        "file": places[0] if found.entry_point.file else None,
        "module": found.entry_point.module,
        "function": found.entry_point.function,
        "environment": environment_variables(document.data),
        "config": document.data,
    }
    return Training(
        truss,
        listed,
        gathered.digest,
        tuple(file.path for file in gathered.files),
        json.dumps(_json(facts), sort_keys=True),
    )


def _with_dependencies(truss: TrussFieldSet, more: Iterable[str]) -> TrussFieldSet:
    field = truss.dependencies
    values: List[str] = [*(field.value or ()), *more]
    return replace(truss, dependencies=TrussDependenciesField(values, field.address))


def _json(value: Any) -> Any:
    """Converts YAML values that JSON does not have to text, the same on each machine."""
    if isinstance(value, dict):
        return {str(key): _json(entry) for key, entry in value.items()}
    if isinstance(value, (set, frozenset)):
        return sorted((_json(entry) for entry in value), key=str)
    if isinstance(value, (list, tuple)):
        return [_json(entry) for entry in value]
    return value if value is None or isinstance(value, (bool, int, float, str)) else str(value)


def rules() -> Iterable[object]:
    return [*collect_rules(), *gather.rules(), *module_mapper.rules()]
