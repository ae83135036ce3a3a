"""Configs made from the schema itself, and the same with one thing wrong."""

from __future__ import annotations

import copy
import datetime
from typing import Any, Dict, Iterator, List, Tuple

from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from pants_truss.core.lint.config_schema import is_confidential, schema_problems
from pants_truss.core.lint.problem import dotted
from pants_truss.core.lint.release import default_release

RELEASE = default_release()

TABLE = {"root": RELEASE.root, "models": RELEASE.models}
MODELS: Dict[str, Any] = {}

# Below these any key goes; and the schema leaves these values to other checks.
FREE = ("arguments", "config", "environment_variables", "lora_adapters", "model_metadata") + (
    "patch_kwargs",
    "secret_to_path_mapping",
    "secrets",
)
UNCHECKED = ("accelerator", "auth_method")

Path = Tuple[Any, ...]


def instances(schema: Dict[str, Any]) -> st.SearchStrategy[Any]:
    """Values that follow a schema."""
    if "$ref" in schema:
        name = schema["$ref"]
        if name not in MODELS:
            # Models refer to each other in a ring.
            MODELS[name] = st.deferred(lambda: instances(TABLE["models"][name]))
        return MODELS[name]
    if "const" in schema:
        return st.just(schema["const"])
    if "enum" in schema:
        return st.sampled_from(schema["enum"])
    for options in (schema.get("oneOf"), schema.get("anyOf")):
        if options:
            return st.one_of([instances(option) for option in options])
    return KINDS[schema.get("type", "null")](schema)


def mappings(schema: Dict[str, Any]) -> st.SearchStrategy[Any]:
    if "properties" not in schema:
        return st.dictionaries(st.text(max_size=5), instances(schema.get("values", {})), max_size=2)
    required = set(schema.get("required", ()))
    parts = {name: instances(entry) for name, entry in schema["properties"].items()}
    # A constant identifies one of several models.
    required |= {name for name, entry in schema["properties"].items() if "const" in entry}
    return st.fixed_dictionaries(
        {name: part for name, part in parts.items() if name in required},
        optional={name: part for name, part in parts.items() if name not in required},
    )


def integers(schema: Dict[str, Any]) -> st.SearchStrategy[Any]:
    least = schema.get("minimum", schema.get("exclusiveMinimum", -(10**20)) + 1)
    return st.integers(least, schema.get("maximum", 10**20))


KINDS: Dict[str, Any] = {
    "null": lambda schema: st.none(),
    "object": mappings,
    "array": lambda schema: st.lists(
        instances(schema["items"]), min_size=schema.get("minItems", 0), max_size=3
    ),
    "string": lambda schema: st.text(min_size=schema.get("minLength", 0), max_size=8),
    "boolean": lambda schema: st.sampled_from([True, False, 0, 1, "Yes", "off", "T", "0"]),
    "integer": integers,
    "number": lambda schema: st.floats(
        schema.get("exclusiveMinimum"),
        schema.get("maximum"),
        exclude_min="exclusiveMinimum" in schema,
        allow_nan=False,
    ),
}

PROPERTIES: Dict[str, Any] = TABLE["root"]["properties"]
CONFIGS = st.sampled_from(sorted(PROPERTIES)).flatmap(
    lambda key: st.fixed_dictionaries({key: instances(PROPERTIES[key])})
)


def paths(value: Any, path: Path = ()) -> Iterator[Tuple[Path, Any]]:
    """All values in a config."""
    yield path, value
    if isinstance(value, dict):
        for name, entry in value.items():
            yield from paths(entry, (*path, name))
    elif isinstance(value, list):
        for index, entry in enumerate(value):
            yield from paths(entry, (*path, index))


def with_value(config: Any, path: Path, value: Any) -> Dict[str, Any]:
    changed = inner = copy.deepcopy(config)
    for step in path[:-1]:
        inner = inner[step]
    inner[path[-1]] = value
    assert isinstance(changed, dict)
    return changed


def is_checked(path: Path) -> bool:
    return not any(step in FREE for step in path) and path[-1] not in UNCHECKED


@given(CONFIGS)
@settings(max_examples=200)
def test_what_follows_the_schema_is_fine(config: Dict[str, Any]) -> None:
    assert not list(schema_problems(config, RELEASE))


@given(CONFIGS, st.data())
@settings(max_examples=200)
def test_one_unknown_key_gives_one_problem(config: Dict[str, Any], data: st.DataObject) -> None:
    places = [path for path, value in paths(config) if isinstance(value, dict)]
    path = (*data.draw(st.sampled_from(places)), "zz_unknown")
    (found, *others) = [*schema_problems(with_value(config, path, "x"), RELEASE), None]
    if not is_checked(path):
        assert found is None
        return
    assert found is not None and others == [None]
    assert found.key == path
    assert found.message.startswith(f"unknown key `{dotted(path)}`; ")


# Small configs have no such place, and each run has its own share of them.
MANY_ARE_SMALL = [HealthCheck.filter_too_much, HealthCheck.too_slow]


@given(CONFIGS, st.data())
@settings(max_examples=200, suppress_health_check=MANY_ARE_SMALL)
def test_one_value_of_a_wrong_type_gives_one_problem(
    config: Dict[str, Any], data: st.DataObject
) -> None:
    places = [path for path, _ in paths(config) if path and is_checked(path)]
    assume(places)
    path = data.draw(st.sampled_from(places))
    # No key takes a date.
    wrong = with_value(config, path, datetime.date(2024, 1, 1))
    (found,) = schema_problems(wrong, RELEASE)
    assert found.key == path
    assert f"`{dotted(path)}` " in found.message and "is a date" in found.message


@given(CONFIGS, st.data())
@settings(max_examples=200, suppress_health_check=MANY_ARE_SMALL)
def test_one_missing_key_is_reported(config: Dict[str, Any], data: st.DataObject) -> None:
    places: List[Path] = [
        path
        for path, _ in paths(config)
        if len(path) > 1 and is_checked(path) and path[-1] not in ("kind", "inference_stack")
    ]
    assume(places)
    path = data.draw(st.sampled_from(places))
    outer = copy.deepcopy(config)
    inner: Any = outer
    for step in path[:-1]:
        inner = inner[step]
    del inner[path[-1]]
    for found in schema_problems(outer, RELEASE):
        assert found.key == path[:-1]
        told = (f"`{dotted(path)}` is missing; it is required.", f"`{dotted(found.key)}` is empty")
        assert found.message.startswith(told)


@given(st.integers(min_value=10**5), st.sampled_from(["secrets", "environment_variables"]))
def test_digits_of_a_secret_are_not_told(number: int, key: str) -> None:
    values: List[Any] = [{"a": number}, [number], number, str(number)]
    for value in values:
        for found in schema_problems({key: value}, RELEASE):
            assert str(number) not in found.message
    assert is_confidential((key, "a"))
