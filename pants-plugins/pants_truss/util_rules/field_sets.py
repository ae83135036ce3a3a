"""Field sets that are part of others."""

from __future__ import annotations

from dataclasses import fields
from typing import Type, TypeVar

from pants.engine.target import FieldSet

F = TypeVar("F", bound=FieldSet)


def part_of(kind: Type[F], field_set: FieldSet) -> F:
    """The fields of a field set that `kind` has: rules are remembered by exactly what they get."""
    return kind(**{field.name: getattr(field_set, field.name) for field in fields(kind)})
