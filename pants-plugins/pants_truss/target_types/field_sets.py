"""The field set of trusses, and field sets that are part of others."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Type, TypeVar

from pants.engine.engine_aware import EngineAwareParameter
from pants.engine.target import FieldSet

from pants_truss.target_types.truss import (
    TrussBundleImportsField,
    TrussConfigField,
    TrussDependenciesField,
    TrussRequirementsField,
    TrussResolveField,
    TrussSourcesField,
)
from pants_truss.target_types.truss_goals import TrussLintDisableField

F = TypeVar("F", bound=FieldSet)


def part_of(kind: Type[F], field_set: FieldSet) -> F:
    """Returns the fields that `kind` has: the engine caches rules by their exact input."""
    return kind(**{field.name: getattr(field_set, field.name) for field in fields(kind)})


@dataclass(frozen=True)
class TrussFieldSet(FieldSet):
    required_fields = (TrussConfigField, TrussSourcesField)

    config: TrussConfigField
    sources: TrussSourcesField
    dependencies: TrussDependenciesField
    bundle_imports: TrussBundleImportsField
    requirements: TrussRequirementsField
    resolve: TrussResolveField
    lint_disable: TrussLintDisableField


class TrussParameter(EngineAwareParameter):
    """A request about one truss. Pants names the truss in its progress display and in errors."""

    truss: TrussFieldSet

    def debug_hint(self) -> str:
        return self.truss.address.spec
