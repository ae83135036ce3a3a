from __future__ import annotations

from typing import Any, Tuple

import pytest
from pants.backend.python.dependency_inference import module_mapper
from pants.backend.python.dependency_inference.default_module_mapping import DEFAULT_MODULE_MAPPING

from pants_truss.pants_api.module_names import default_modules, is_type_stub


@pytest.mark.parametrize(
    ("name", "modules"),
    [
        ("pyyaml", ("yaml",)),
        ("python-dateutil", ("dateutil",)),
        ("google-cloud-storage", ("google.cloud.storage",)),
        ("django-cors-headers", ("corsheaders",)),
        ("some-thing", ("some_thing",)),
    ],
)
def test_modules_are_the_same_on_each_release(name: str, modules: Tuple[str, ...]) -> None:
    assert set(modules) <= set(default_modules(name))


@pytest.mark.parametrize("name", sorted(DEFAULT_MODULE_MAPPING)[::20])
def test_the_table_of_pants_has_priority(name: str) -> None:
    assert default_modules(name) == tuple(DEFAULT_MODULE_MAPPING[name])


def test_patterns_of_newer_releases_are_used(monkeypatch: pytest.MonkeyPatch) -> None:
    """Patterns exist in Pants 2.21 and later."""

    def generate(name: str, is_type_stub: bool) -> Tuple[Any, ...]:
        return (name[2:],) if name.startswith("s-" if is_type_stub else "x-") else ()

    monkeypatch.setattr(module_mapper, "generate_mappings_from_pattern", generate, raising=False)
    assert default_modules("x-kit") == ("kit",)
    assert default_modules("pyyaml") == ("yaml",)
    assert default_modules("plain") == ("plain",)
    assert is_type_stub("s-kit") and not is_type_stub("x-kit") and not is_type_stub("plain")


@pytest.mark.parametrize("name", ["types-pyyaml", "pyyaml-types", "stubs-kit", "kit-stubs"])
def test_type_stubs(name: str) -> None:
    assert is_type_stub(name)
    assert not is_type_stub("typesetter") and not is_type_stub("pyyaml")
