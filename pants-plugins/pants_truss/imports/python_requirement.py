"""Describes `python_requirement` targets, with the same defaults as Pants' import inference."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Tuple

from pants.backend.python.target_types import (
    PythonRequirementModulesField,
    PythonRequirementsField,
    PythonRequirementTypeStubModulesField,
)
from pants.engine.target import Target

from pants_truss.core.requirement import parse_line
from pants_truss.pants_api.module_names import default_modules, is_type_stub


@dataclass(frozen=True)
class ProvidedRequirement:
    """`requirements` are written as in the target, and provide `modules`. No server needs a
    distribution that only has type stubs."""

    requirements: Tuple[str, ...] = ()
    modules: Tuple[str, ...] = ()
    is_type_stub: bool = False


def describe_requirement(target: Target) -> ProvidedRequirement:
    if not target.has_field(PythonRequirementsField):
        return ProvidedRequirement()
    requirements = tuple(requirement_text(r) for r in target[PythonRequirementsField].value)
    modules = tuple(target.get(PythonRequirementModulesField).value or ())
    lines = [parse_line(requirement) for requirement in requirements]
    names = [line.name for line in lines if line and line.name]
    stub = bool(target.get(PythonRequirementTypeStubModulesField).value) or (
        bool(names) and all(is_type_stub(name) for name in names)
    )
    if not modules:
        modules = tuple(module for name in names for module in default_modules(name))
    return ProvidedRequirement(
        requirements,
        modules,
        stub and not target.get(PythonRequirementModulesField).value,
    )


def requirement_text(requirement: object) -> str:
    """Writes a requirement in the same way on each release of Pants, because gathered trusses
    contain it. Pants 2.33 writes `name @ URL`, and earlier releases write `name@ URL`."""
    name, at, rest = str(requirement).partition(" @ ")
    return f"{name}@ {rest}" if at else name
