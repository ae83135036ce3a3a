"""Checks a config against Truss's schema, as Truss's own loader reads values.

The loader is pydantic in its lax mode. It reads `"4"` as an integer and `yes` as a boolean, but it
does not read `4` as a string. It keeps unknown keys, and a push refuses them.
"""

from __future__ import annotations

import difflib
import math
import re
from typing import Any, Dict, Iterator, List, Optional, Sequence, Union

from pants_truss.core.lint.finding import Severity
from pants_truss.core.lint.problem import Data, Key, Problem, dotted
from pants_truss.core.lint.release import ReleaseTables, Schema, default_release
from pants_truss.core.redaction import may_show

# What the loader takes beyond its schema, which `config_rules` knows more about.
_ACCEPTED_KEYS = {
    "": ("hf_cache",),
    "Resources": ("use_gpu",),
    "Runtime": ("num_workers",),
    "TRTLLMRuntimeConfigurationV2": ("gated_features",),
}
# Their validators accept more than the schema: other spellings, and text in place of a mapping.
_ANY = {"AcceleratorSpec", "DockerAuthType", "WeightsAuthMethod"}


def schema_problems(data: Data, release: ReleaseTables) -> Iterator[Problem]:
    """Yields unknown keys, wrong types, and values that the schema excludes."""
    yield from _Check(release).check((), data, release.root)


class _Check:
    def __init__(self, release: ReleaseTables) -> None:
        self._release = release
        self._models = release.models
        self._silent = release.silent_models

    def check(self, key: Key, value: Any, schema: Schema, model: str = "") -> Iterator[Problem]:
        """`model` is the name of the schema, if it has one."""
        if "$ref" in schema:
            model = schema["$ref"]
            if model in _ANY:
                return
            schema = self._models[model]
        if "oneOf" in schema:
            yield from self._check_one(key, value, [option["$ref"] for option in schema["oneOf"]])
            return
        if "anyOf" in schema:
            yield from self._check_any(key, value, schema["anyOf"])
        elif "enum" in schema:
            yield from _check_choice(key, value, schema["enum"])
        elif "const" in schema:
            yield from _check_choice(key, value, [schema["const"]])
        elif schema.get("type") == "object":
            yield from self._check_object(key, value, schema, model)
        elif schema.get("type") == "array":
            yield from self._check_list(key, value, schema)
        elif "type" in schema:
            yield from _check_scalar(key, value, schema)

    def _check_any(self, key: Key, value: Any, options: List[Schema]) -> Iterator[Problem]:
        if value is None and {"type": "null"} in options:
            return
        found: List[List[Problem]] = []
        for option in options:
            if option.get("type") != "null":
                found.append(list(self.check(key, value, option)))
        yield from min(found, key=len, default=[])

    def _check_one(self, key: Key, value: Any, options: List[str]) -> Iterator[Problem]:
        """By the key whose value names the option, such as `kind`; the first is the default."""
        by_value = {
            (name, entry["const"]): option
            for option in options
            for name, entry in self._models[option]["properties"].items()
            if "const" in entry
        }
        chosen = options[0]
        if isinstance(value, dict):
            for name in sorted({name for name, _ in by_value}):
                choices = [choice for known, choice in by_value if known == name]
                if value.get(name) is not None and value[name] not in choices:
                    yield from _check_choice((*key, name), value[name], choices)
                    return
                chosen = next(
                    (o for (n, c), o in by_value.items() if n == name and c == value.get(name)),
                    chosen,
                )
        yield from self.check(key, value, {"$ref": chosen})

    def _check_object(self, key: Key, value: Any, schema: Schema, model: str) -> Iterator[Problem]:
        if not isinstance(value, dict):
            yield _wrong_type(key, value, "a mapping")
            return
        properties = schema.get("properties")
        if properties is None:
            for name, entry in value.items():
                if "values" in schema:
                    yield from self.check((*key, name), entry, schema["values"])
            return
        for name in schema.get("required", ()):
            if name not in value:
                yield Problem(key, f"`{dotted((*key, name))}` is missing; it is required.")
        for name, entry in value.items():
            if name in properties:
                yield from self.check((*key, name), entry, properties[name])
            elif (*key, name) == ("train",):
                yield _removed_train(entry)
            elif name not in _ACCEPTED_KEYS.get(model, ()):
                yield self._unknown((*key, name), properties, model)

    def _check_list(self, key: Key, value: Any, schema: Schema) -> Iterator[Problem]:
        if not isinstance(value, (list, tuple, set)):
            yield _wrong_type(key, value, "a list")
            return
        if len(value) < schema.get("minItems", 0):
            yield Problem(key, f"`{dotted(key)}` is empty. It needs at least one entry.")
        for index, entry in enumerate(value):
            yield from self.check((*key, index), entry, schema.get("items", {}))

    def _unknown(self, key: Key, known: Dict[str, Schema], model: str) -> Problem:
        name, is_silent = str(key[-1]), model in self._silent
        near = difflib.get_close_matches(name.lower(), list(known), 1)
        below = [
            parent
            for parent, schema in known.items()
            if name in self._models.get(schema.get("$ref", ""), {}).get("properties", ())
        ]
        hint = f" Did you mean `{dotted((*key[:-1], near[0]))}`?" if near else ""
        hint = f" It belongs below `{dotted((*key[:-1], below[0]))}`." if below else hint
        hint = self._other_release(name, model) or hint
        effect = "it has no effect" if is_silent else "`truss push` rejects it"
        return Problem(
            key,
            f"unknown key `{dotted(key)}`; {effect}.{hint}",
            Severity.WARNING if is_silent else Severity.ERROR,
            "no-effect" if is_silent else "config-schema",
        )

    def _other_release(self, name: str, model: str) -> str:
        """Says so if the plugin's own release of Truss knows the key, and this one does not."""
        other = default_release()
        schema = other.models.get(model, {}) if model else other.root
        if other == self._release or name not in schema.get("properties", ()):
            return ""
        return (
            f" Truss {self._release.version}, the release of `[truss-cli]`, does not have it; "
            f"Truss {other.version} does."
        )


def _removed_train(block: Any) -> Problem:
    """Training in Truss itself, with a class of its own, went with Truss 0.9.2."""
    values = block if isinstance(block, dict) else {}
    folder = values.get("training_module_dir") or "train"
    filename = values.get("training_class_filename") or "train.py"
    name = values.get("training_class_name") or "Train"
    module = f"{folder}.{filename}".replace("/", ".")
    module = module[: -len(".py")] if module.endswith(".py") else module
    return Problem(
        ("train",),
        f"Truss 0.9.2 removed the key `train`; `truss push` rejects it. Write a target "
        f'beside the `truss`, `truss_training(name="train", entry_point="{module}:main")`, with a '
        f"function `main(out)` there that does what `{name}.train` does and writes into `out`, and "
        f"remove the key.",
    )


def _check_choice(key: Key, value: Any, choices: Sequence[Any]) -> Iterator[Problem]:
    if not isinstance(value, str) or value not in choices:
        near = difflib.get_close_matches(str(value), [str(choice) for choice in choices], 1)
        hint = f" Did you mean {near[0]!r}?" if near else ""
        listed = ", ".join(str(choice) for choice in choices)
        yield Problem(key, f"`{dotted(key)}` is {show(key, value)}, but must be {listed}.{hint}")


_INTEGER = re.compile(r"\s*[-+]?\d+(_\d+)*(\.0+)?\s*")
_BOOLEANS = ("0", "off", "f", "false", "n", "no", "1", "on", "t", "true", "y", "yes")


def _check_scalar(key: Key, value: Any, schema: Schema) -> Iterator[Problem]:
    kind = schema["type"]
    if kind == "string":
        if not isinstance(value, (str, bytes)):
            yield _wrong_type(key, value, "a string")
        elif len(value) < schema.get("minLength", 0):
            yield Problem(key, f"`{dotted(key)}` is empty.")
    elif kind == "boolean":
        if not _is_boolean(value):
            yield _wrong_type(key, value, "a boolean, true or false")
    elif kind in ("integer", "number"):
        number = _number(value, kind)
        if number is None:
            yield _wrong_type(key, value, "a whole number" if kind == "integer" else "a number")
        else:
            yield from _check_bounds(key, number, schema)


def _is_boolean(value: Any) -> bool:
    if isinstance(value, str):
        return value.lower() in _BOOLEANS
    return isinstance(value, (bool, int, float)) and value in (0, 1)


def _number(value: Any, kind: str) -> Optional[float]:
    if isinstance(value, str):
        # Far above any bound, and far below what takes long to convert.
        if len(value) > 300 or (kind == "integer" and not _INTEGER.fullmatch(value)):
            return None
        try:
            return float(value)
        except ValueError:
            return None
    if isinstance(value, int):
        if abs(value) < 10**300:
            return float(value)
        return math.inf if value > 0 else -math.inf
    if isinstance(value, float) and (kind == "number" or value.is_integer()):
        return value
    return None


def _check_bounds(key: Key, number: float, schema: Schema) -> Iterator[Problem]:
    limits = []
    # Unlike `number < minimum`, this reports `.nan` too: it fails every comparison.
    if "minimum" in schema and not number >= schema["minimum"]:
        limits.append(f"at least {schema['minimum']}")
    if "exclusiveMinimum" in schema and not number > schema["exclusiveMinimum"]:
        limits.append(f"more than {schema['exclusiveMinimum']}")
    if "maximum" in schema and not number <= schema["maximum"]:
        limits.append(f"at most {schema['maximum']}")
    for limit in limits:
        yield Problem(key, f"`{dotted(key)}` is {number:g}, but must be {limit}.")


def _wrong_type(key: Key, value: Any, wanted: str) -> Problem:
    quoted = ""
    if wanted == "a string" and isinstance(value, (int, float)) and not is_confidential(key):
        text = str(value).lower() if isinstance(value, bool) else str(value)
        quoted = f' Quote it: `{key[-1]}: "{text}"`.' if isinstance(key[-1], str) else ""
    if wanted == "a list" and isinstance(value, str):
        quoted = f" Write `{key[-1]}: [...]`, or each entry in a line that begins with `- `."
    return Problem(key, f"`{dotted(key)}` must be {wanted}, but is {show(key, value)}.{quoted}")


def is_confidential(key: Key) -> bool:
    """Returns True if a value at the key must not be shown."""
    return any(re.search(r"secret|token|passw|credential", str(step), re.I) for step in key) or (
        "environment_variables" in key
    )


def show(key: Key, value: Any) -> str:
    """The value in a message; its kind only if it may be confidential."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        kind, shown = "boolean", str(value).lower()
    elif isinstance(value, (int, float)):
        kind, shown = "number", _show_number(value)
    elif isinstance(value, str):
        kind, shown = "string", repr(value)
        if not may_show(value):
            return "a string"
    else:
        names: Dict[type, str] = {dict: "a mapping", list: "a list"}
        return names.get(type(value), f"a {type(value).__name__}")
    return f"a {kind}" if is_confidential(key) else f"the {kind} {shown}"


def _show_number(value: Union[int, float]) -> str:
    """Returns the number as it is written, or shortened: Python refuses to print the longest."""
    if not abs(value) < 1e300:
        return "..."
    return str(value) if abs(value) < 10**15 else f"{value:g}"
