"""Reads the examples file of a truss.

The file is a list of `name` and `input`, as in Truss (`truss.base.truss_spec.TrussSpec.examples`),
and, for tests, an optional `output`:

    - name: Favourable
      input: {text: "What a wonderful story"}
      output: {sentiment: positive, probability: 0.98}
"""

from __future__ import annotations

import datetime
import json
import math
from dataclasses import dataclass
from typing import Any, List, Mapping, Optional, Set, Tuple

import yaml

from pants_truss.core.bounded_yaml import BoundedLoader, Limits
from pants_truss.core.errors import TrussError

# Limits far above what a test needs, and low enough to protect Pants.
MAX_BYTES = 10_000_000
MAX_VALUES = 500_000
MAX_DEPTH = 100
MAX_EXAMPLES = 10_000
OUTPUT = "output"
INPUT_IN_METADATA = "example_model_input"
_KEYS = ("name", "input", OUTPUT)


@dataclass(frozen=True)
class Example:
    """`input` and `output` are JSON. Without an output, the answer is not compared."""

    name: str
    input: str
    output: Optional[str] = None


class _Loader(BoundedLoader):
    # For the file: a value takes two bytes. `_Walk` has those for each value, and counts levels
    # below the list and its examples.
    limits = Limits(MAX_BYTES // 2, MAX_DEPTH + 10, " Use fewer or smaller examples.")


def parse(path: str, content: bytes) -> Tuple[Example, ...]:
    """Raises `TrussError`, with the line if known, for content that Truss or a test cannot use."""
    if len(content) > MAX_BYTES:
        raise TrussError(f"{path} is larger than {MAX_BYTES:,} bytes. Use smaller examples.")
    try:
        data = yaml.load(content.decode("utf-8"), _Loader)
    except TrussError as e:
        raise TrussError(f"{path}: {e}", line=e.line) from None
    except UnicodeDecodeError as e:
        raise TrussError(f"{path} is not UTF-8 (byte {e.start}). Save it as UTF-8.") from None
    except yaml.MarkedYAMLError as e:
        mark = e.problem_mark or e.context_mark
        line = mark.line + 1 if mark else None
        where = f"{path}:{line}" if line else path
        raise TrussError(
            f"{where} is not valid YAML: {e.problem or e.context}.", line=line
        ) from None
    except (yaml.YAMLError, RecursionError, ValueError, LookupError, AttributeError) as e:
        # Tags such as `!!bool x` raise the last of these.
        raise TrussError(f"{path} is not valid YAML: {e}") from None
    if data is None:
        return ()
    if not isinstance(data, list):
        raise TrussError(
            f"{path} must be a list of examples, but is {_kind(data)}. Write, for example, "
            f"`- name: Short` and `  input: {{}}`."
        )
    if len(data) > MAX_EXAMPLES:
        raise TrussError(f"{path} has more than {MAX_EXAMPLES:,} examples. Remove some.")
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
            f"{described} has the unknown key `{unknown[0]}`. Use only {', '.join(_KEYS)}."
        )
    if isinstance(entry["name"], (dict, list, tuple, set)):
        raise TrussError(f"`name` of {described} is {_kind(entry['name'])}. Write text.")
    for key in ("input", OUTPUT):
        try:
            _Walk().check(entry.get(key))
        except _NotJson as e:
            raise TrussError(f"`{key}` of {described} has {e}.") from None
    output = json.dumps(entry[OUTPUT]) if OUTPUT in entry else None
    return Example(str(entry["name"]), json.dumps(entry["input"]), output)


def _refuse_same_names(path: str, examples: List[Example]) -> None:
    seen: Set[str] = set()
    for example in examples:
        if example.name in seen:
            raise TrussError(f"{path} has two examples with the name {example.name!r}. Rename one.")
        seen.add(example.name)


class _NotJson(Exception):
    """The message names the value that JSON cannot hold."""


class _Walk:
    """Looks for values that JSON cannot hold.

    Aliases can make a small file stand for billions of values, so each alias counts as often as its
    values would be written.
    """

    def __init__(self) -> None:
        self._left = MAX_VALUES

    def check(self, value: Any, depth: int = 0) -> None:
        self._left -= 1
        if self._left < 0:
            raise _NotJson(f"more than {MAX_VALUES:,} values, counting aliases")
        if depth > MAX_DEPTH:
            raise _NotJson(f"more than {MAX_DEPTH} levels")
        if isinstance(value, dict):
            for key, item in value.items():
                if not isinstance(key, str):
                    raise _NotJson(f"the key {key!r}, which is not a string")
                self.check(item, depth + 1)
        elif isinstance(value, list):
            for item in value:
                self.check(item, depth + 1)
        elif isinstance(value, float) and not math.isfinite(value):
            raise _NotJson(f"the number {value}, which is not JSON")
        elif isinstance(value, (datetime.date, bytes, set, tuple)):
            raise _NotJson(f"the {type(value).__name__} {value!s}, which is not JSON. Quote it")


def _kind(value: Any) -> str:
    return "null" if value is None else f"a {type(value).__name__}"


def of_metadata(config: Mapping[str, Any]) -> Optional[bytes]:
    """Returns an examples file with the `example_model_input` of the config's `model_metadata`,
    which the vendor's CI sends to a model that it has deployed. None if there is none."""
    metadata = config.get("model_metadata")
    if not isinstance(metadata, dict) or metadata.get(INPUT_IN_METADATA) is None:
        return None
    example = {"name": INPUT_IN_METADATA, "input": metadata[INPUT_IN_METADATA]}
    text: str = yaml.safe_dump([example], allow_unicode=True)
    return text.encode()


def first_input(content: Optional[bytes]) -> str:
    """Returns JSON for a sample request; an empty object if no example can be read."""
    try:
        examples = parse("", content or b"")
    except TrussError:
        return "{}"
    return examples[0].input if examples else "{}"
