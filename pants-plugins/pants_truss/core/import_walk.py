"""Walks a graph of imports breadth first, and remembers how each node was reached.

The walk discovers the graph as it goes: its driver looks up the successors of the `pending` nodes
and passes them to `advance`. Nodes are strings; only the driver knows what they mean.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Dict, Iterable, List, Mapping, Optional, Sequence, Tuple


class ImportWalk:
    """Visits each reachable node once, even if the graph has cycles.

    `via` maps each reached node, in the order of the walk, to the node that led to it, or to None
    for a root. The walk is breadth first, so following `via` gives a shortest path from the roots
    that were added first.
    """

    def __init__(self) -> None:
        self.via: Dict[str, Optional[str]] = {}
        self.pending: Tuple[str, ...] = ()

    def start(self, roots: Iterable[str]) -> None:
        """Adds the `roots` that were not reached yet, in sorted order."""
        self._add((root, None) for root in sorted(set(roots)))

    def advance(self, found: Mapping[str, Sequence[str]]) -> None:
        """`found` has the successors of each pending node. New nodes become pending."""
        visited, self.pending = self.pending, ()
        for parent in visited:
            self.lead(parent, found[parent])

    def lead(self, parent: str, nodes: Iterable[str]) -> None:
        """Adds more successors of a node that was visited already."""
        self._add((node, parent) for node in sorted(set(nodes)))

    def _add(self, nodes: Iterable[Tuple[str, Optional[str]]]) -> None:
        new: List[str] = []
        for node, parent in nodes:
            if node not in self.via:
                self.via[node] = parent
                new.append(node)
        self.pending = (*self.pending, *new)


@dataclass(frozen=True)
class WalkedGraph:
    """A finished walk. `nodes` are in its order; `parents` and `files` have the parent and the file
    of each, or None. `ends` has the two ends of each edge, one after the other.

    Each truss keeps one of these. Tuples of pairs would take five times the memory.
    """

    nodes: Tuple[str, ...]
    parents: Tuple[Optional[str], ...]
    files: Tuple[Optional[str], ...]
    ends: Tuple[str, ...]

    @property
    def via(self) -> Dict[str, Optional[str]]:
        """Same as `ImportWalk.via`."""
        return dict(zip(self.nodes, self.parents))

    @property
    def file_by_node(self) -> Dict[str, str]:
        return {node: file for node, file in zip(self.nodes, self.files) if file}

    @property
    def edges(self) -> Tuple[Tuple[str, str], ...]:
        return tuple(zip(self.ends[::2], self.ends[1::2]))


def chain_to(node: str, via: Mapping[str, Optional[str]]) -> List[str]:
    """The path from a root to `node`, including both. `via` is that of a walk."""
    chain = [node]
    parent = via[node]
    while parent is not None:
        chain.append(parent)
        parent = via[parent]
    return chain[::-1]
