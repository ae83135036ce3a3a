"""Returns the modules that Pants assumes a distribution to provide if no target declares them.

Up to Pants 2.20 a table holds all of them; later releases also have patterns, such as
`python-(.+)`.
"""

from __future__ import annotations

from typing import Tuple

from pants.backend.python.dependency_inference import module_mapper
from pants.backend.python.dependency_inference.default_module_mapping import (
    DEFAULT_MODULE_MAPPING,
    DEFAULT_TYPE_STUB_MODULE_MAPPING,
)


def default_modules(name: str) -> Tuple[str, ...]:
    """`name` is normalised (PEP 503)."""
    if name in DEFAULT_MODULE_MAPPING:
        return tuple(DEFAULT_MODULE_MAPPING[name])
    return _by_pattern(name, is_type_stub=False) or (name.replace("-", "_"),)


def is_type_stub(name: str) -> bool:
    """`name` is normalised (PEP 503)."""
    return name not in DEFAULT_MODULE_MAPPING and (
        name in DEFAULT_TYPE_STUB_MODULE_MAPPING
        or bool(_by_pattern(name, is_type_stub=True))
        or name.startswith(("types-", "stubs-"))
        or name.endswith(("-types", "-stubs"))
    )


def _by_pattern(name: str, *, is_type_stub: bool) -> Tuple[str, ...]:
    generate = getattr(module_mapper, "generate_mappings_from_pattern", None)
    return tuple(generate(name, is_type_stub)) if generate else ()
