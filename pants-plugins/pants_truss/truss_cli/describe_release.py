"""Describes the installed Truss: everything that linting needs to know of a release. Runs inside
the tool.

    describe_release.py

Prints a JSON object; `core/lint/release.py` says what is in it. It holds names, types and bounds:
no text of Truss. Wherever Truss can be asked what it accepts, it is asked.
"""

import json
import os
import re
import sys
import warnings
from importlib import metadata
from pathlib import Path
from typing import Any, Callable, Dict, Iterator, List, Optional, Tuple

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from validate_config import (  # type: ignore[import]  # noqa: E402  # pants: no-infer-dep
    import_config,
)

# The keywords of a JSON schema that decide whether a value is valid.
_DECIDING = (
    "$ref",
    "anyOf",
    "const",
    "enum",
    "exclusiveMinimum",
    "items",
    "maximum",
    "minimum",
    "minItems",
    "minLength",
    "oneOf",
    "properties",
    "required",
    "type",
)
# More than Truss will ever support.
_MINORS = range(6, 40)
_UNKNOWN = "no_key_of_any_release"


def describe() -> Dict[str, Any]:
    config_class = import_config()
    module = sys.modules[config_class.__module__]
    schema = _config_schema(config_class)
    return {
        "version": metadata.version("truss"),
        "schema": schema,
        "silent_models": _silent_models(config_class, schema) if schema else [],
        "python_versions": _python_versions(config_class),
        "accelerators": _accelerators(module),
        "weight_schemes": _weight_schemes(module),
        "server_constraints": _server_constraints(),
    }


# --- The schema.


def _config_schema(config_class: Any) -> Optional[Dict[str, Any]]:
    """None for a release whose config is not a model of pydantic."""
    if not hasattr(config_class, "model_json_schema"):
        return None
    return condense(config_class.model_json_schema())


def condense(schema: Dict[str, Any]) -> Dict[str, Any]:
    """`{"root": ..., "models": {name: ...}}`, where only a model, and the root, has `properties`:
    other keys than those are unknown. An object without has any keys, with values of `values`."""
    models = {name: _condense(model, True) for name, model in schema.get("$defs", {}).items()}
    root = {key: value for key, value in schema.items() if key != "$defs"}
    return {"root": _condense(root, True), "models": models}


def _condense(schema: Any, is_model: bool = False) -> Any:
    if isinstance(schema, list):
        return [_condense(entry) for entry in schema]
    if not isinstance(schema, dict):
        return schema
    kept = {}
    for key in _DECIDING:
        if key not in schema:
            continue
        value = schema[key]
        if key == "properties":
            if is_model:
                kept[key] = {name: _condense(entry) for name, entry in value.items()}
        elif key == "$ref":
            kept[key] = value.rpartition("/")[2]
        else:
            kept[key] = _condense(value)
    values = schema.get("additionalProperties")
    if not is_model and isinstance(values, dict):
        kept["values"] = _condense(values)
    return kept


def _silent_models(config_class: Any, schema: Dict[str, Any]) -> List[str]:
    """The models whose unknown keys neither the loader nor a push refuses; `""` is the config."""
    # How a push loads a config again.
    context = {"forbid_extra": True} if hasattr(config_class, "validate_forbid_extra") else None
    found: Dict[str, bool] = {}
    for name, config in _places(schema):
        error: Any = _error_of(config_class.model_validate, config, context=context)
        errors = error.errors() if hasattr(error, "errors") else []
        refuses = any(_UNKNOWN in entry["loc"] or _UNKNOWN in entry["msg"] for entry in errors)
        found[name] = found.get(name, False) or refuses
    return sorted(name for name, refuses in found.items() if not refuses)


def _within(wrap: Callable[[Any], Any], fixed: Dict[str, Any], key: str) -> Callable[[Any], Any]:
    return lambda value: wrap({**fixed, key: value})


def _places(schema: Dict[str, Any]) -> Iterator[Tuple[str, Any]]:
    """Each model, at each of its places, with a config that has only an unknown key there."""

    def below(part: Dict[str, Any], wrap: Callable[[Any], Any], seen: Tuple[str, ...]) -> Any:
        for option in (*part.get("anyOf", ()), *part.get("oneOf", ())):
            yield from below(option, wrap, seen)
        if "items" in part:
            yield from below(part["items"], lambda value: wrap([value]), seen)
        if "values" in part:
            yield from below(part["values"], lambda value: wrap({"name": value}), seen)
        name = part.get("$ref")
        if name and name not in seen:
            yield from of_model(name, schema["models"][name], wrap, (*seen, name))

    def of_model(
        name: str, model: Dict[str, Any], wrap: Callable[[Any], Any], seen: Tuple[str, ...]
    ) -> Any:
        if "properties" not in model:
            yield from below(model, wrap, seen)
            return
        # What tells the options of a union apart.
        fixed = {k: v["const"] for k, v in model["properties"].items() if "const" in v}
        yield name, wrap({**fixed, _UNKNOWN: 1})
        for key, entry in model["properties"].items():
            yield from below(entry, _within(wrap, fixed, key), seen)

    yield from of_model("", schema["root"], lambda value: value, ())


def _error_of(call: Any, *args: Any, **kwargs: Any) -> Optional[Exception]:
    try:
        call(*args, **kwargs)
    except Exception as e:
        return e
    return None


# --- Choices that the schema does not have. None: the release cannot be asked.


def _python_versions(config_class: Any) -> Optional[List[str]]:
    load = getattr(config_class, "from_dict", None) or config_class.model_validate
    names = [f"py3{minor}" for minor in _MINORS]
    accepted = [name for name in names if _error_of(load, {"python_version": name}) is None]
    return accepted if 0 < len(accepted) < len(names) else None


def _accelerators(module: Any) -> Optional[List[str]]:
    known = getattr(module, "Accelerator", None)
    return [str(each.value) for each in known] if known else None


def _weight_schemes(module: Any) -> Optional[List[str]]:
    """From the answer to a place without a scheme."""
    source = getattr(module, "WeightsSource", None)
    if source is None:
        return None
    error = _error_of(source, source="no-scheme", mount_location="/weights")
    listed = re.search(r"Supported schemes: ([\w:/, ]+)", str(error))
    return re.findall(r"(\w+)://", listed.group(1)) or None if listed else None


# --- The model server.


def _server_constraints() -> List[str]:
    """The bounds of the server for what a truss requires: `constraints.txt`."""
    for folder in sys.modules["truss"].__path__:
        path = Path(folder) / "templates/server/constraints.txt"
        if path.is_file():
            lines = [line.partition("#")[0].strip() for line in path.read_text().splitlines()]
            return sorted(line for line in lines if line)
    return []


if __name__ == "__main__":
    # Truss logs about configs; standard output must hold only the answer.
    output = sys.stdout
    sys.stdout = sys.stderr
    warnings.simplefilter("ignore")
    described = describe()
    output.write(json.dumps(described, indent=1, sort_keys=True) + "\n")
    # Python flushes only what `sys.stdout` is at the end.
    output.flush()
