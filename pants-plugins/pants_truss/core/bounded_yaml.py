"""Composes YAML within limits: documents built to exhaust a parser are refused before they are
constructed."""

from __future__ import annotations

from typing import Any, Dict, List, NamedTuple, Optional, Tuple

import yaml
from yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

from pants_truss.core.errors import TrussError

# Characters, in any base. Newer Pythons refuse to write one of more than 4,300 digits. `1:1:1...`
# is a number, too, and takes quadratic time.
MAX_NUMBER = 3000


class Limits(NamedTuple):
    """`nodes`: with each alias counted as often as its values would be written. `hint` ends the
    message for a document that is too large."""

    nodes: int
    depth: int
    hint: str = ""


class BoundedLoader(yaml.SafeLoader):
    """PyYAML's safe loader for documents within `limits`. Its errors are `TrussError`, whose
    message begins with `it`."""

    limits: Limits
    depth = 0
    nodes = 0

    def compose_node(self, parent: Any, index: Any) -> Any:
        # Composing is recursive: without this check, a file of brackets ends in a RecursionError.
        self.nodes += 1
        if self.nodes > self.limits.nodes:
            raise TrussError(f"it has more than {self.limits.nodes:,} values.{self.limits.hint}")
        self.depth += 1
        if self.depth > self.limits.depth:
            raise TrussError(
                f"it is nested more than {self.limits.depth} levels deep "
                f"({place(self.peek_event().start_mark)}).",
                **at(self.peek_event().start_mark),
            )
        node = super().compose_node(parent, index)
        self.depth -= 1
        return node

    def get_single_node(self) -> Optional[Node]:
        node = super().get_single_node()
        if node is not None:
            _refuse_expansion(node, self.limits)
        return node

    def construct_number(self, node: ScalarNode) -> Any:
        if len(node.value) > MAX_NUMBER:
            raise TrussError(
                f"it has a number of more than {MAX_NUMBER:,} characters "
                f"({place(node.start_mark)}). Quote it.",
                **at(node.start_mark),
            )
        return super().yaml_constructors[node.tag](self, node)


for _tag in ("int", "float"):
    BoundedLoader.add_constructor(f"tag:yaml.org,2002:{_tag}", BoundedLoader.construct_number)


def place(mark: Any) -> str:
    """Returns `line 3, column 5` for a PyYAML mark, counted from 1 as in editors."""
    return f"line {mark.line + 1}, column {mark.column + 1}"


def at(mark: Any) -> Dict[str, Any]:
    """The same for a `TrussError`."""
    return {"line": mark.line + 1, "column": mark.column + 1} if mark else {}


def _refuse_expansion(root: Node, limits: Limits) -> None:
    """Counts nodes with every alias expanded, because a "billion laughs" file is small on disk."""
    sizes: Dict[int, int] = {}
    open_nodes: List[int] = []

    def size(node: Node) -> int:
        if id(node) in sizes:
            return sizes[id(node)]
        if id(node) in open_nodes:
            raise TrussError(
                f"an alias refers to its own parent ({place(node.start_mark)}).",
                **at(node.start_mark),
            )
        open_nodes.append(id(node))
        total = 1 + sum(size(child) for child in _children(node))
        open_nodes.pop()
        if total > limits.nodes:
            raise TrussError(
                f"its aliases expand to more than {limits.nodes:,} values "
                f"({place(node.start_mark)}).",
                **at(node.start_mark),
            )
        sizes[id(node)] = total
        return total

    size(root)


def _children(node: Node) -> Tuple[Node, ...]:
    if isinstance(node, SequenceNode):
        return tuple(node.value)
    if isinstance(node, MappingNode):
        return tuple(part for pair in node.value for part in pair)
    return ()
