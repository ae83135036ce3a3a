"""What to do about a module that a gathered truss lacks: whose it is, if the repository has it."""

from __future__ import annotations

import posixpath
from dataclasses import dataclass
from typing import Iterable, List, Sequence, Tuple

from pants.backend.python.dependency_inference import module_mapper
from pants.backend.python.dependency_inference.module_mapper import PythonModuleOwnersRequest
from pants.backend.python.target_types import PythonRequirementsField
from pants.engine.addresses import Addresses
from pants.engine.rules import collect_rules
from pants.engine.target import Target

from pants_truss.core.module_names import STUB_SUFFIX
from pants_truss.core.paths import join
from pants_truss.core.requirement import redacted
from pants_truss.gather.gather import gather_truss
from pants_truss.imports.import_graph import file_of
from pants_truss.imports.other_trusses import (
    TrussFiles,
    find_trusses_around,
    other_truss,
)
from pants_truss.imports.python_owners import OwnModulesRequest, find_own_modules
from pants_truss.imports.python_requirement import requirement_text
from pants_truss.pants_api import (
    find_module_owners,
    implicitly,
    resolve_targets,
    rule,
)
from pants_truss.serving import unowned_module_search
from pants_truss.serving.local_truss import describe_truss
from pants_truss.serving.unowned_module_search import UnownedModuleRequest, find_unowned_module
from pants_truss.target_types.field_sets import TrussFieldSet
from pants_truss.target_types.truss import RequirementsMode


@dataclass(frozen=True)
class ModuleFixRequest:
    truss: TrussFieldSet
    module: str


@dataclass(frozen=True)
class ModuleFix:
    """A sentence or two."""

    text: str


@rule
async def find_module_fix(request: ModuleFixRequest) -> ModuleFix:
    truss = request.truss
    described = await describe_truss(truss, **implicitly())
    modules = await find_own_modules(
        OwnModulesRequest(truss.sources, truss.resolve, truss.config), **implicitly()
    )
    gathered = await gather_truss(truss, **implicitly())
    there = {file.source for file in gathered.files}
    found: List[Target] = []
    # `a.b.c` may be missing because `a.b` is.
    name = request.module
    while name and not found:
        owners = await find_module_owners(
            PythonModuleOwnersRequest(name, modules.resolve), **implicitly()
        )
        found = [*await resolve_targets(Addresses((*owners.unambiguous, *owners.ambiguous)))]
        name = name.rpartition(".")[0]
    config = described.config_path
    has_it = [file for file in map(file_of, found) if file and file in there]
    package = _package_of(has_it[0], request.module) if has_it else ""
    if package:
        rest = request.module[len(package) + 1 :]
        return ModuleFix(f"`{package}` is there ({has_it[0]}), but has no `{rest}`.")
    if has_it:
        return ModuleFix(
            f"{has_it[0]} is in the truss, but not where it is imported from: its source "
            f"root is another than the folder it comes from."
        )
    if not found:
        folder = truss.address.spec_path
        lost = await find_unowned_module(
            UnownedModuleRequest(request.module, modules.resolve, folder), **implicitly()
        )
        where = described.config.requirements_file or "`requirements`"
        add = f"Add the distribution that has it to {where} in {config}."
        return ModuleFix(lost.text or add)
    trusses = await find_trusses_around(file for file in map(file_of, found) if file)
    # What can be bundled comes first, and a type stub last: nothing runs it.
    target = min(found, key=lambda owner: _rank(owner, trusses, truss.address.spec_path))
    if target.has_field(PythonRequirementsField):
        return ModuleFix(_of_distribution(target, truss, config))
    file = file_of(target) or target.address.spec_path
    other = other_truss(file, trusses, truss.address.spec_path)
    if other is not None:
        return ModuleFix(
            f"{file} of {other} has it, but a truss cannot use files of another truss. Move the "
            f"file to a folder outside all trusses, or add the distribution that has the module to "
            f"`requirements` in {config}."
        )
    if file.endswith(STUB_SUFFIX):
        return ModuleFix(
            f"{file} is its type stub, and no module lies beside it. If an extension module has "
            f"it, add a `resource` target for that file and name the target: "
            f'`truss(dependencies=["TARGET"])`.'
        )
    owner = f" ({target.address})" if target.address.spec != file else ""
    if modules.unowned:
        model = join(truss.address.spec_path, described.config.model_file)
        unowned = model if model in modules.unowned else modules.unowned[0]
        return ModuleFix(
            f"It is {file}{owner}. Pants does not see what {unowned} imports, which no target "
            f"owns: `pants tailor {posixpath.dirname(unowned)}::` adds one."
        )
    return ModuleFix(
        f"It is {file}{owner}, which Pants does not see this truss import. "
        f'Name it: `truss(dependencies=["{target.address}"])`.'
    )


def _rank(owner: Target, trusses: Sequence[TrussFiles], folder: str) -> Tuple[bool, bool]:
    file = file_of(owner) or ""
    return (file.endswith(STUB_SUFFIX), other_truss(file, trusses, folder) is not None)


def _package_of(file: str, module: str) -> str:
    """The package around `module` whose `__init__.py` is `file`; empty if there is none."""
    package = module.rpartition(".")[0]
    while package and not f"/{file}".endswith(f"/{package.replace('.', '/')}/__init__.py"):
        package = package.rpartition(".")[0]
    return package


def _of_distribution(target: Target, truss: TrussFieldSet, config: str) -> str:
    requirement = redacted(requirement_text(target[PythonRequirementsField].value[0]))
    if truss.requirements.value == RequirementsMode.LOCKFILE.value:
        return (
            f"It is of {requirement!r}, which Pants does not see this truss import. Name it: "
            f'`truss(dependencies=["{target.address}"])`.'
        )
    return f"Add {requirement!r} ({target.address}) to `requirements` in {config}."


def rules() -> Iterable[object]:
    return [*collect_rules(), *unowned_module_search.rules(), *module_mapper.rules()]
