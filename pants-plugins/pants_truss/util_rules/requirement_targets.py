"""What a `python_requirement` target provides, by the same defaults as Pants' import inference."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Tuple

from pants.backend.python.dependency_inference.default_module_mapping import (
    DEFAULT_MODULE_MAPPING,
    DEFAULT_TYPE_STUB_MODULE_MAPPING,
)
from pants.backend.python.target_types import (
    PythonRequirementModulesField,
    PythonRequirementsField,
    PythonRequirementTypeStubModulesField,
)
from pants.engine.target import Target

from pants_truss.core.requirement import parse_line


@dataclass(frozen=True)
class ProvidedRequirement:
    """`requirements` are as the target writes them; `modules` can be imported from them. Type stubs
    are nothing that a server needs."""

    requirements: Tuple[str, ...] = ()
    modules: Tuple[str, ...] = ()
    is_type_stub: bool = False


def describe_requirement(target: Target) -> ProvidedRequirement:
    if not target.has_field(PythonRequirementsField):
        return ProvidedRequirement()
    requirements = tuple(str(r) for r in target[PythonRequirementsField].value)
    modules = tuple(target.get(PythonRequirementModulesField).value or ())
    lines = [parse_line(requirement) for requirement in requirements]
    names = [line.name for line in lines if line and line.name]
    stub = bool(target.get(PythonRequirementTypeStubModulesField).value) or (
        bool(names) and all(_is_type_stub(name) for name in names)
    )
    if not modules:
        modules = tuple(module for name in names for module in default_modules(name))
    return ProvidedRequirement(
        requirements,
        modules,
        stub and not target.get(PythonRequirementModulesField).value,
    )


def default_modules(name: str) -> Tuple[str, ...]:
    """What Pants takes a distribution to provide, where no target says. `name` is normalised."""
    return tuple(DEFAULT_MODULE_MAPPING.get(name, (name.replace("-", "_"),)))


def _is_type_stub(name: str) -> bool:
    return name not in DEFAULT_MODULE_MAPPING and (
        name in DEFAULT_TYPE_STUB_MODULE_MAPPING
        or name.startswith(("types-", "stubs-"))
        or name.endswith(("-types", "-stubs"))
    )
