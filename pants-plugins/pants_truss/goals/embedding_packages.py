"""The packages of other kinds that cannot be made without a truss."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Iterable, Tuple

from pants.core.goals.package import PackageFieldSet
from pants.engine.addresses import Address
from pants.engine.rules import collect_rules
from pants.engine.target import (
    AllTargets,
    Dependencies,
    DependenciesRequest,
    SpecialCasedDependencies,
)
from pants.engine.unions import UnionMembership

from pants_truss.pants_api import (
    concurrently,
    dependency_targets,
    implicitly,
    resolve_unparsed_address_inputs,
    rule,
)
from pants_truss.target_types.field_sets import TrussFieldSet


@dataclass(frozen=True)
class EmbeddingPackagesRequest:
    address: Address


@dataclass(frozen=True)
class EmbeddingPackages:
    """The packages of other kinds that have a truss in their dependencies."""

    addresses: Tuple[Address, ...]


@rule
async def find_embedding_packages(
    request: EmbeddingPackagesRequest, targets: AllTargets, union_membership: UnionMembership
) -> EmbeddingPackages:
    kinds = [
        kind
        for kind in union_membership.get(PackageFieldSet)
        if not issubclass(kind, TrussFieldSet)
    ]
    packages = [t for t in targets if any(kind.is_applicable(t) for kind in kinds)]
    with_dependencies = [t for t in packages if t.has_field(Dependencies)]
    found = await concurrently(
        dependency_targets(DependenciesRequest(package[Dependencies]), **implicitly())
        for package in with_dependencies
    )
    # Such as `packages` of an `archive`.
    special = [
        (package, field)
        for package in packages
        for field in package.field_values.values()
        if isinstance(field, SpecialCasedDependencies)
    ]
    named = await concurrently(
        resolve_unparsed_address_inputs(field.to_unparsed_address_inputs(), **implicitly())
        for _, field in special
    )
    embedding = {
        package.address
        for package, dependencies in zip(with_dependencies, found)
        if any(dependency.address == request.address for dependency in dependencies)
    }
    embedding |= {
        package.address
        for (package, _), addresses in zip(special, named)
        if request.address in addresses
    }
    return EmbeddingPackages(tuple(sorted(embedding)))


def rules() -> Iterable[object]:
    return collect_rules()
