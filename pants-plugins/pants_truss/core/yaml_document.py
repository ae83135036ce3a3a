"""Reads a Truss `config.yaml` as YAML: the data, and the text to edit.

Truss loads its config with PyYAML's safe loader from UTF-8 text, so this module uses the same
loader. Two differences are deliberate. Duplicate keys are an error, where Truss takes the last one
and warns. Documents built to exhaust a parser are refused before they are constructed.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any, Dict, Hashable, Optional, Sequence, Tuple, cast

import yaml
from yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

from pants_truss.core.bounded_yaml import BoundedLoader, Limits, at, place
from pants_truss.core.errors import TrussError

# Far above any real config (Truss refuses to push one over 100 KB), and low enough to be safe.
MAX_BYTES = 200_000
MAX_DEPTH = 64
MAX_NODES = 20_000

_MERGE_TAG = "tag:yaml.org,2002:merge"


@dataclass(frozen=True)
class YamlDocument:
    """One YAML mapping. `text` keeps its byte order mark and line endings."""

    text: str
    data: Dict[Any, Any]
    root: Optional[Node] = field(default=None, compare=False, repr=False)

    def position(self, path: Sequence[Any]) -> Optional[Tuple[int, int]]:
        """Returns line and column, from 1, of the key or list item at a path such as `("resources",
        "cpu")`. If that place is unknown, returns the nearest known one above it."""
        node, found = self.root, None
        for step in path:
            mark, node = _step(node, step)
            if mark is None:
                break
            found = (mark.line + 1, mark.column + 1)
        return found


def _step(node: Optional[Node], step: Any) -> Tuple[Any, Optional[Node]]:
    if isinstance(node, MappingNode):
        key_node, value_node = _index(node).get(str(step), (None, None))
        return (key_node.start_mark, value_node) if key_node else (None, None)
    if isinstance(node, SequenceNode) and isinstance(step, int) and step < len(node.value):
        return node.value[step].start_mark, node.value[step]
    return None, None


def _index(node: MappingNode) -> Dict[str, Tuple[Node, Node]]:
    """Indexes entries by the text of their key. An explicit key overrides a merged one."""
    found: Optional[Dict[str, Tuple[Node, Node]]] = getattr(node, "index", None)
    if found is None:
        found = {key.value: (key, value) for key, value in node.value if _is_scalar(key)}
        node.index = found  # type: ignore[attr-defined]
    return found


def _is_scalar(node: Node) -> bool:
    return isinstance(node, ScalarNode)


class _Loader(BoundedLoader):
    """Also refuses duplicate keys."""

    limits = Limits(MAX_NODES, MAX_DEPTH, " Is it a Truss config?")

    def construct_mapping(self, node: Node, deep: bool = False) -> Dict[Hashable, Any]:
        if isinstance(node, MappingNode):
            self._refuse_duplicates(node)
        return super().construct_mapping(cast(Any, node), deep)

    def _refuse_duplicates(self, node: MappingNode) -> None:
        # After flattening, `value` also holds merged keys, which may repeat.
        if getattr(node, "keys_checked", False):
            return
        node.keys_checked = True  # type: ignore[attr-defined]
        first: Dict[Any, Node] = {}
        for key_node, _ in node.value:
            if not isinstance(key_node, ScalarNode) or key_node.tag == _MERGE_TAG:
                continue
            key = (key_node.tag, key_node.value)
            if key in first:
                raise TrussError(
                    f"the key `{key_node.value}` appears twice: {place(first[key].start_mark)} "
                    f"and {place(key_node.start_mark)}. Keep one: Truss uses the last.",
                    **at(key_node.start_mark),
                )
            first[key] = key_node

    def flatten_mapping(self, node: MappingNode) -> None:
        self._refuse_duplicates(node)
        super().flatten_mapping(node)


def decode(content: bytes) -> str:
    """Returns the text of a config file, with its byte order mark and line endings.

    Raises `TrussError` for a file that is too large or not UTF-8, the encoding that Truss reads.
    """
    if len(content) > MAX_BYTES:
        raise TrussError(
            f"it has {len(content):,} bytes, over the limit of {MAX_BYTES:,}. Is it a Truss config?"
        )
    try:
        return content.decode("utf-8")
    except UnicodeDecodeError as e:
        line = content.count(b"\n", 0, e.start) + 1
        raise TrussError(
            f"it is not UTF-8: byte 0x{content[e.start]:02x} in line {line}. Save it as UTF-8.",
            line=line,
        ) from None


def parse(content: bytes) -> YamlDocument:
    """Parses a config file. An empty file is an empty mapping, as in Truss.

    Raises `TrussError`, with line and column, for anything but one mapping in UTF-8 YAML.
    """
    text = decode(content)
    try:
        loader = _Loader(text)
        try:
            node = loader.get_single_node()
            if node is None:
                return YamlDocument(text, {})
            data = loader.construct_document(node)
        finally:
            loader.dispose()
    except yaml.MarkedYAMLError as e:
        raise TrussError(
            f"it is not valid YAML: {_describe(e)}", **at(e.problem_mark or e.context_mark)
        ) from None
    except yaml.YAMLError as e:
        raise TrussError(f"it is not valid YAML: {e}") from None
    except (ValueError, LookupError, OverflowError, AttributeError, TypeError) as e:
        if isinstance(e, TrussError):
            raise
        # PyYAML passes on errors of Python's constructors, for example for `2024-99-99`. Their
        # text quotes the value, which may be confidential, so it is not shown.
        raise TrussError(
            f"it has a value that cannot be read ({type(e).__name__}), such as a date that does "
            f"not exist. Quote it."
        ) from None
    if data is None:
        return YamlDocument(text, {})
    if not isinstance(data, dict):
        raise TrussError(
            f"it must be a mapping of keys to values, but it is a {_kind(data)} "
            f"({place(node.start_mark)}).",
            **at(node.start_mark),
        )
    return YamlDocument(text, data, node)


_REMEDIES = (
    ("could not determine a constructor for the tag", "Truss configs hold plain YAML only"),
    (r"found character '\t'", "Indent with spaces: YAML does not allow tabs"),
    ("mapping values are not allowed", "Quote a value that holds `: `, or fix the indentation"),
    ("expected <block end>", "The line is not indented like the lines above it"),
    ("could not find expected ':'", "Add a `:` after the key"),
    ("expected ',' or", "Close the bracket, or add the comma"),
)


def _describe(error: yaml.MarkedYAMLError) -> str:
    mark = error.problem_mark or error.context_mark
    problem = " ".join(str(part) for part in (error.context, error.problem) if part)
    # The name may be a password that begins with `*` or `!`.
    problem = re.sub(r"(alias|anchor|tag) '.*'", r"\1", problem, flags=re.DOTALL)
    for sign, remedy in _REMEDIES:
        if sign in problem:
            problem += f". {remedy}"
            break
    return f"{problem} ({place(mark)})." if mark else f"{problem}."


def _kind(value: Any) -> str:
    return {list: "list", str: "string", bool: "boolean", type(None): "null"}.get(
        type(value), type(value).__name__
    )
