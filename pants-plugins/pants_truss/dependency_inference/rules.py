"""`external_package_dirs` of a truss's config as inferred dependencies."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Iterable

from pants.engine.rules import collect_rules
from pants.engine.target import FieldSet, InferDependenciesRequest, InferredDependencies
from pants.engine.unions import UnionRule

from pants_truss.engine import implicitly, rule
from pants_truss.target_types import TrussConfigField, TrussDependenciesField
from pants_truss.util_rules.external_packages import (
    ExternalPackagesRequest,
    find_configured_packages,
)


@dataclass(frozen=True)
class TrussDependenciesInferenceFieldSet(FieldSet):
    required_fields = (TrussConfigField, TrussDependenciesField)

    config: TrussConfigField
    dependencies: TrussDependenciesField


class InferTrussDependenciesRequest(InferDependenciesRequest[TrussDependenciesInferenceFieldSet]):
    infer_from = TrussDependenciesInferenceFieldSet


@rule(desc="Infer the external packages of a truss from its config")
async def infer_truss_dependencies(request: InferTrussDependenciesRequest) -> InferredDependencies:
    packages = await find_configured_packages(
        ExternalPackagesRequest(request.field_set.config, request.field_set.dependencies),
        **implicitly(),
    )
    return InferredDependencies(packages.addresses)


def rules() -> Iterable[object]:
    return [
        *collect_rules(),
        UnionRule(InferDependenciesRequest, InferTrussDependenciesRequest),
    ]
