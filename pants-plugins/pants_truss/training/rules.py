"""What a `truss_training` runs: its truss, gathered with the training code."""

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
from pants_truss.core.paths import join
from pants_truss.core.training import (
    CONSTRAINTS,
    FACTS,
    REQUIREMENTS,
    RUNNER,
    EntryPoint,
    parse_entry_point,
)
from pants_truss.core.truss_config import CONFIG_FILE
from pants_truss.gather import gather
from pants_truss.gather.gather import gather_truss
from pants_truss.gather.plan import PlanTrussRequest, plan_truss
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
    @classmethod
    def of_training(cls, address: Address, what: object) -> InvalidTraining:
        error = cls(f"The truss_training target {address} is not valid: {what}")
        error.what = str(what)
        return error


@dataclass(frozen=True)
class TrainingRequest(FieldSet):
    required_fields = (TrussTrainingEntryPointField,)

    entry_point: TrussTrainingEntryPointField
    truss: TrussTrainingTrussField
    dependencies: TrussTrainingDependenciesField


@dataclass(frozen=True)
class TrainedTruss:
    address: Address
    truss: TrussFieldSet


@rule
async def find_trained_truss(request: TrainingRequest) -> TrainedTruss:
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
        raise InvalidTraining.of_training(
            request.address, _describe_choice(field, [target.address for target in trusses])
        )
    return TrainedTruss(trusses[0].address, TrussFieldSet.create(trusses[0]))


def _describe_choice(field: TrussTrainingTrussField, trusses: Sequence[Address]) -> str:
    if field.value:
        return f"its `{field.alias}` is {field.value!r}, which is no `truss` target."
    if not trusses:
        return f'its BUILD file has no `truss`. Name one: `{field.alias}="path/to:truss"`.'
    listed = ", ".join(str(address) for address in trusses)
    name = trusses[0].target_name
    return f'its BUILD file has several trusses ({listed}). Name one: `{field.alias}=":{name}"`.'


@dataclass(frozen=True)
class FindEntryPointRequest:
    training: TrainingRequest
    truss: TrussFieldSet


@dataclass(frozen=True)
class FoundEntryPoint:
    """`file` is its path in the repository, `owner` the target of it, if the truss has not got it
    anyway."""

    entry_point: EntryPoint
    file: str
    owner: Optional[Address]


@rule
async def find_entry_point(request: FindEntryPointRequest) -> FoundEntryPoint:
    training, truss = request.training, request.truss
    field = training.entry_point
    try:
        entry_point = parse_entry_point(field.value)
    except TrussError as e:
        raise InvalidTraining.of_training(training.address, f"its `{field.alias}` {e}") from None
    own = await find_source_paths(FindSourcePathsRequest(truss.sources), **implicitly())
    modules = await find_own_modules(
        OwnModulesRequest(truss.sources, truss.resolve), **implicitly()
    )
    if entry_point.file:
        file = join(training.address.spec_path, entry_point.file)
        if file in own.paths:
            return FoundEntryPoint(entry_point, file, None)
        owners = await find_python_owners(
            PythonOwnersRequest(file.rpartition("/")[0]), **implicitly()
        )
        nodes = [
            node for node in owners.by_file.get(file, ()) if modules.resolve in (None, node.resolve)
        ]
        if not nodes:
            raise InvalidTraining.of_training(
                training.address,
                f"its `{field.alias}` is {field.value!r}, but no `python_source` target owns "
                f"{file}. Add `python_sources()` beside it, or mend the path.",
            )
        return FoundEntryPoint(entry_point, file, nodes[0].address)
    found = await find_module_owners(
        PythonModuleOwnersRequest(
            entry_point.module or "", modules.resolve, locality=training.address.spec_path
        ),
        **implicitly(),
    )
    targets = await resolve_targets(Addresses((*found.unambiguous, *found.ambiguous)))
    owned = [(file_of(target) or "", target.address) for target in targets]
    files = {file: address for file, address in owned if file.endswith(".py")}
    inside = [file for file in files if file in own.paths]
    if not files or (len(files) > 1 and len(inside) != 1):
        listed = f": {', '.join(sorted(files))}" if files else ""
        many = "several files are" if files else "no `python_source` target has"
        raise InvalidTraining.of_training(
            training.address,
            f"its `{field.alias}` is {field.value!r}, but {many} the module "
            f"`{entry_point.module}`{listed}. Name the file instead.",
        )
    file = (inside or [*files])[0]
    return FoundEntryPoint(entry_point, file, None if inside else files[file])


@dataclass(frozen=True)
class Training:
    """`truss` is that of the target, with what training needs among its dependencies; `explicit`
    are those that the target lists. `facts` is what `run_training.py` reads, for a truss in its own
    folder."""

    truss: TrussFieldSet
    explicit: Tuple[str, ...]
    digest: Digest
    paths: Tuple[str, ...]
    facts: str


@rule(desc="Gather truss for training", level=LogLevel.DEBUG)
async def gather_training(request: TrainingRequest) -> Training:
    trained = await find_trained_truss(request, **implicitly())
    found = await find_entry_point(FindEntryPointRequest(request, trained.truss), **implicitly())
    explicit = await explicitly_provided_dependencies(request.dependencies)
    listed = tuple(address.spec for address in explicit.includes)
    owner = (found.owner.spec,) if found.owner else ()
    truss = _with_dependencies(trained.truss, (*listed, *owner))
    gathered = await gather_truss(truss, **implicitly())
    for file in gathered.files:
        if file.path in (RUNNER, FACTS, REQUIREMENTS, CONSTRAINTS):
            raise InvalidTraining.of_training(
                request.address,
                f"its truss has a file {file.path} ({file.source}), where the folder for training "
                f"has one of its own. Rename it.",
            )
    places = [file.path for file in gathered.files if file.source == found.file]
    if not places:
        raise InvalidTraining.of_training(
            request.address, f"{found.file} is left out of the truss by its ignore patterns."
        )
    planned = await plan_truss(PlanTrussRequest(truss), **implicitly())
    document = yaml_document.parse(planned.generated[CONFIG_FILE])
    config = truss_config.read(document)
    facts = {
        "command": f"pants run {request.address} --",
        "truss": ".",
        "packages": config.bundled_packages_dir,
        "data_dir": config.data_dir,
        "file": places[0] if found.entry_point.file else None,
        "module": found.entry_point.module,
        "function": found.entry_point.function,
        "environment": _strings(document.data.get("environment_variables")),
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
    """What YAML has and JSON has not, as text, the same on each machine."""
    if isinstance(value, dict):
        return {str(key): _json(entry) for key, entry in value.items()}
    if isinstance(value, (set, frozenset)):
        return sorted((_json(entry) for entry in value), key=str)
    if isinstance(value, (list, tuple)):
        return [_json(entry) for entry in value]
    return value if value is None or isinstance(value, (bool, int, float, str)) else str(value)


def _strings(variables: object) -> object:
    # As Truss does, which reads `DEBUG: true` as the text `true`.
    if not isinstance(variables, dict):
        return {}
    return {
        str(name): str(value).lower() if isinstance(value, bool) else str(value)
        for name, value in variables.items()
    }


def rules() -> Iterable[object]:
    return [*collect_rules(), *gather.rules(), *module_mapper.rules()]
