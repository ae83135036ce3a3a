"""Infers dependencies of trusses and external packages that no BUILD file names."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Iterable, List, Optional

from pants.backend.python.subsystems.setup import PythonSetup
from pants.engine.addresses import Address
from pants.engine.rules import collect_rules
from pants.engine.target import FieldSet, InferDependenciesRequest, InferredDependencies
from pants.engine.unions import UnionRule

from pants_truss.core.paths import normalize_inside
from pants_truss.imports.import_graph import ImportNode
from pants_truss.imports.python_owners import (
    OwnModulesRequest,
    PythonModulesRequest,
    find_own_modules,
    find_python_modules,
)
from pants_truss.pants_api import implicitly, rule
from pants_truss.requirements.lockfile import LockfileOwnersRequest, find_lockfile_owners
from pants_truss.sources.external_packages import ExternalPackagesRequest, find_configured_packages
from pants_truss.target_types.field_sets import TrussFieldSet
from pants_truss.target_types.truss import (
    RequirementsMode,
    TrussExternalPackageDependenciesField,
    TrussExternalPackageSourcesField,
    TrussRequirementsField,
)


class InferTrussDependenciesRequest(InferDependenciesRequest[TrussFieldSet]):
    infer_from = TrussFieldSet


@rule(desc="Infer the dependencies of a truss")
async def infer_truss_dependencies(
    request: InferTrussDependenciesRequest, python_setup: PythonSetup
) -> InferredDependencies:
    """The folders in its config's `external_package_dirs`, the targets of the Python files that its
    server has, and the lockfile that its requirements are pinned to."""
    fields = request.field_set
    packages = await find_configured_packages(
        ExternalPackagesRequest(fields.config, fields.dependencies), **implicitly()
    )
    modules = await find_own_modules(
        OwnModulesRequest(fields.sources, fields.resolve, fields.config), **implicitly()
    )
    found = [*packages.addresses]
    if fields.bundle_imports.value:
        found += _addresses(modules.nodes)
    path = _lockfile(fields.requirements, modules.resolve, python_setup)
    if path:
        owners = await find_lockfile_owners(LockfileOwnersRequest(path), **implicitly())
        found += owners.addresses
    return InferredDependencies(found)


def _lockfile(
    field: TrussRequirementsField, resolve: Optional[str], python_setup: PythonSetup
) -> Optional[str]:
    """The path of the lockfile that pins the truss. Gathering reports a path that is not valid."""
    if field.value != RequirementsMode.LOCKFILE.value or not python_setup.enable_resolves:
        return None
    path = python_setup.resolves.get(resolve or python_setup.default_resolve)
    return normalize_inside(path) if path else None


@dataclass(frozen=True)
class ExternalPackageDependenciesInferenceFieldSet(FieldSet):
    required_fields = (TrussExternalPackageSourcesField, TrussExternalPackageDependenciesField)

    sources: TrussExternalPackageSourcesField


class InferExternalPackageDependenciesRequest(
    InferDependenciesRequest[ExternalPackageDependenciesInferenceFieldSet]
):
    infer_from = ExternalPackageDependenciesInferenceFieldSet


@rule(desc="Infer the dependencies of an external package of trusses")
async def infer_external_package_dependencies(
    request: InferExternalPackageDependenciesRequest,
) -> InferredDependencies:
    modules = await find_python_modules(
        PythonModulesRequest(request.field_set.sources), **implicitly()
    )
    return InferredDependencies(_addresses(modules.nodes))


def _addresses(nodes: Iterable[ImportNode]) -> List[Address]:
    return [node.address for node in nodes if node.address]


def rules() -> Iterable[object]:
    return [
        *collect_rules(),
        UnionRule(InferDependenciesRequest, InferTrussDependenciesRequest),
        UnionRule(InferDependenciesRequest, InferExternalPackageDependenciesRequest),
    ]
