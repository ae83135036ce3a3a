"""Walks a graph of imports breadth first, and remembers by which way each node was reached.

The graph is asked for as the walk goes: whoever drives it looks up what the `pending` nodes lead to
and hands that to `advance`. Nodes are any strings; the driver says what they mean.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Dict, Iterable, List, Mapping, Optional, Sequence, Tuple


class ImportWalk:
    """Visits each reachable node once, also in a graph with cycles.

    `via` maps each node reached, in the order of the walk, to the node that led to it, or None for
    a root. As the walk is breadth first, following `via` gives a shortest way from the first roots.
    """

    def __init__(self) -> None:
        self.via: Dict[str, Optional[str]] = {}
        self.pending: Tuple[str, ...] = ()

    def start(self, roots: Iterable[str]) -> None:
        """Adds those of `roots` that were not reached yet, in sorted order."""
        self._add((root, None) for root in sorted(set(roots)))

    def advance(self, found: Mapping[str, Sequence[str]]) -> None:
        """`found` has what each pending node leads to. What is new becomes pending."""
        visited, self.pending = self.pending, ()
        for parent in visited:
            self.lead(parent, found[parent])

    def lead(self, parent: str, nodes: Iterable[str]) -> None:
        """Adds what a node that was visited leads to besides."""
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
    """A walk that is over: `nodes` in its order, each with its parent and, where it has one, its
    file; `ends` has the two ends of each edge met, one after the other. In flat tuples, as there is
    one for each truss: pairs would take five times the memory.
    """

    nodes: Tuple[str, ...]
    parents: Tuple[Optional[str], ...]
    files: Tuple[Optional[str], ...]
    ends: Tuple[str, ...]

    @property
    def via(self) -> Dict[str, Optional[str]]:
        """As `ImportWalk.via`."""
        return dict(zip(self.nodes, self.parents))

    @property
    def file_by_node(self) -> Dict[str, str]:
        return {node: file for node, file in zip(self.nodes, self.files) if file}

    @property
    def edges(self) -> Tuple[Tuple[str, str], ...]:
        return tuple(zip(self.ends[::2], self.ends[1::2]))


def chain_to(node: str, via: Mapping[str, Optional[str]]) -> List[str]:
    """The way from a root to `node`, both included. `via` is that of a walk."""
    chain = [node]
    parent = via[node]
    while parent is not None:
        chain.append(parent)
        parent = via[parent]
    return chain[::-1]
