"""Makes the tables that linting uses, from the wheels of Truss itself.

    ./pants run tests/truss_tool/tables.py -- pants-plugins/pants_truss/core/lint/tables

The tables hold names, types and bounds: no text of Truss.
"""

from __future__ import annotations

import json
import sys
from importlib import metadata
from pathlib import Path
from typing import Any, Dict, List

from server_names import RELEASES, server_names, stdlib_names

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


def condense(schema: Dict[str, Any]) -> Dict[str, Any]:
    """`{"root": ..., "models": {name: ...}}`, where only a model, and the root, has `properties`:
    other keys than those are unknown. An object without has any keys, with values of `values`."""
    models = {name: _condense(model, True) for name, model in schema["$defs"].items()}
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


def config_schema() -> Dict[str, Any]:
    """Returns the schema of the installed release, condensed."""
    import truss

    text = Path(truss.__file__).with_name("config.schema.json").read_text(encoding="utf-8")
    return condense(json.loads(text))


def server_constraints() -> Dict[str, List[str]]:
    """The bounds of the installed release for what a truss requires, by release."""
    import truss

    path = Path(truss.__file__).parent / "templates/server/constraints.txt"
    lines = [line.partition("#")[0].strip() for line in path.read_text("utf-8").splitlines()]
    return {metadata.version("truss"): sorted(line for line in lines if line)}


def write(folder: Path) -> None:
    _write_json(folder / "config_schema.json", config_schema())
    _write_json(folder / "server_constraints.json", server_constraints())
    _write_json(folder / "server_names.json", {r: server_names(r) for r in RELEASES})
    _write_json(folder / "stdlib_names.json", stdlib_names())


def _write_json(path: Path, data: Any) -> None:
    path.write_text(json.dumps(data, indent=1, sort_keys=True) + "\n", encoding="utf-8")


if __name__ == "__main__":
    write(Path(sys.argv[1]))
