"""Reads the examples file of a truss: a list of `name` and `input`, as Truss has it
(`truss.base.truss_spec.TrussSpec.examples`), and, for tests, an `output`.

    - name: Favourable
      input: {text: "What a wonderful story"}
      output: {sentiment: positive, probability: 0.98}
"""

from __future__ import annotations

import datetime
import json
import math
from dataclasses import dataclass
from typing import Any, List, Optional, Tuple

import yaml

from pants_truss.core.errors import TrussError

MAX_BYTES = 10_000_000
OUTPUT = "output"
_KEYS = ("name", "input", OUTPUT)


@dataclass(frozen=True)
class Example:
    """`input` and `output` are JSON; without an output there is nothing to compare with."""

    name: str
    input: str
    output: Optional[str] = None


def parse(path: str, content: bytes) -> Tuple[Example, ...]:
    """Raises `TrussError`, with the line if there is one, for what Truss or a test cannot use."""
    if len(content) > MAX_BYTES:
        raise TrussError(f"{path} has more than {MAX_BYTES:,} bytes. Keep examples small.")
    try:
        data = yaml.safe_load(content.decode("utf-8"))
    except UnicodeDecodeError as e:
        raise TrussError(f"{path} is not UTF-8 (byte {e.start}). Save it as UTF-8.") from None
    except yaml.MarkedYAMLError as e:
        mark = e.problem_mark or e.context_mark
        line = mark.line + 1 if mark else None
        where = f"{path}:{line}" if line else path
        raise TrussError(
            f"{where} is not valid YAML: {e.problem or e.context}.", line=line
        ) from None
    except (yaml.YAMLError, RecursionError, ValueError) as e:
        raise TrussError(f"{path} is not valid YAML: {e}") from None
    if data is None:
        return ()
    if not isinstance(data, list):
        raise TrussError(
            f"{path} must be a list of examples, but is {_kind(data)}. Write "
            f"`- name: Short` and `  input: {{}}`."
        )
    examples = [_example(path, number, entry) for number, entry in enumerate(data, 1)]
    _refuse_same_names(path, examples)
    return tuple(examples)


def _example(path: str, number: int, entry: Any) -> Example:
    described = f"example {number} of {path}"
    if not isinstance(entry, dict):
        raise TrussError(f"{described} must have `name` and `input`, but is {_kind(entry)}.")
    for key in ("name", "input"):
        if key not in entry:
            raise TrussError(f"{described} has no `{key}`. Add it.")
    unknown = [str(key) for key in entry if key not in _KEYS]
    if unknown:
        raise TrussError(
            f"{described} has the key `{unknown[0]}`, which means nothing. Its keys are "
            f"{', '.join(_KEYS)}."
        )
    for key in ("input", OUTPUT):
        bad = _not_json(entry.get(key))
        if bad:
            raise TrussError(f"`{key}` of {described} has {bad}, which is not JSON. Quote it.")
    output = json.dumps(entry[OUTPUT]) if OUTPUT in entry else None
    return Example(str(entry["name"]), json.dumps(entry["input"]), output)


def _refuse_same_names(path: str, examples: List[Example]) -> None:
    seen = set()
    for example in examples:
        if example.name in seen:
            raise TrussError(f"{path} has two examples with the name {example.name!r}. Rename one.")
        seen.add(example.name)


def _not_json(value: Any, depth: int = 0) -> Optional[str]:
    if depth > 100:
        return "more than 100 levels"
    if isinstance(value, dict):
        bad_keys = [f"the key {key!r}" for key in value if not isinstance(key, str)]
        below = (_not_json(item, depth + 1) for item in value.values())
        return next((bad for bad in (*bad_keys, *below) if bad), None)
    if isinstance(value, list):
        return next((bad for bad in (_not_json(item, depth + 1) for item in value) if bad), None)
    if isinstance(value, float) and not math.isfinite(value):
        return f"the number {value}"
    if isinstance(value, (datetime.date, bytes, set, tuple)):
        return f"the {_kind(value)} {value}"
    return None


def _kind(value: Any) -> str:
    return "null" if value is None else f"a {type(value).__name__}"


def first_input(content: Optional[bytes]) -> str:
    """JSON for a line to try the server with; an empty object if no example can be read."""
    try:
        examples = parse("", content or b"")
    except TrussError:
        return "{}"
    return examples[0].input if examples else "{}"
