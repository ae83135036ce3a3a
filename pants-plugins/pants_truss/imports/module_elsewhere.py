"""Finds a module outside other trusses, where Pants takes an import for a file of one of these."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Iterable, List, Optional, Tuple

from pants.backend.python.dependency_inference import module_mapper
from pants.backend.python.dependency_inference.module_mapper import PythonModuleOwnersRequest
from pants.core.util_rules import stripped_source_files
from pants.engine.addresses import Addresses
from pants.engine.rules import collect_rules
from pants.engine.target import Target

from pants_truss.core.module_names import STUB_SUFFIX
from pants_truss.imports.import_graph import (
    DescribeTargetRequest,
    ImportNode,
    describe_target,
    file_of,
)
from pants_truss.imports.other_trusses import (
    find_trusses_around,
    other_truss,
)
from pants_truss.pants_api import (
    concurrently,
    find_module_owners,
    implicitly,
    resolve_targets,
    rule,
)


async def find_code_of_module(module: str, resolve: Optional[str]) -> List[Target]:
    """Returns the targets that own the module in the resolve, without type stubs. Several may."""
    owners = await find_module_owners(PythonModuleOwnersRequest(module, resolve), **implicitly())
    targets = await resolve_targets(Addresses((*owners.unambiguous, *owners.ambiguous)))
    return [each for each in targets if not (file_of(each) or "").endswith(STUB_SUFFIX)]


@dataclass(frozen=True)
class ModuleElsewhereRequest:
    """A module that Pants takes for a file of another truss. `resolve` is that of its importer, and
    `folder` that of the importer's truss."""

    module: str
    resolve: Optional[str]
    folder: str


@dataclass(frozen=True)
class ModuleElsewhere:
    """The targets that have the module and belong to no other truss."""

    nodes: Tuple[ImportNode, ...]


@rule(desc="Find a module outside other trusses")
async def find_module_elsewhere(request: ModuleElsewhereRequest) -> ModuleElsewhere:
    targets = await find_code_of_module(request.module, request.resolve)
    nodes = await concurrently(
        describe_target(DescribeTargetRequest(target), **implicitly()) for target in targets
    )
    trusses = await find_trusses_around(node.file for node in nodes if node.file)
    return ModuleElsewhere(
        tuple(node for node in nodes if other_truss(node.file, trusses, request.folder) is None)
    )


def rules() -> Iterable[object]:
    return [*collect_rules(), *module_mapper.rules(), *stripped_source_files.rules()]
