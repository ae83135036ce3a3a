from __future__ import annotations

from random import Random
from typing import Dict, List, Set

from hypothesis import given
from hypothesis import strategies as st

from pants_truss.core.import_walk import ImportWalk, WalkedGraph, chain_to

Graph = Dict[str, List[str]]

NAMES = st.sampled_from("abcdefghij")
GRAPHS = st.fixed_dictionaries({name: st.lists(NAMES, max_size=4) for name in "abcdefghij"})


def walk_all(graph: Graph, *rounds: Set[str]) -> ImportWalk:
    walk = ImportWalk()
    for roots in rounds:
        walk.start(roots)
        while walk.pending:
            walk.advance({node: graph[node] for node in walk.pending})
    return walk


def reachable(graph: Graph, roots: Set[str]) -> Set[str]:
    # The definition, by way of a fixed point.
    found = set(roots)
    while True:
        wider = found | {node for parent in found for node in graph[parent]}
        if wider == found:
            return found
        found = wider


@given(GRAPHS, st.sets(NAMES), st.sets(NAMES))
def test_reaches_what_is_reachable_and_nothing_else(
    graph: Graph, first: Set[str], second: Set[str]
) -> None:
    assert set(walk_all(graph, first, second).via) == reachable(graph, first | second)


@given(GRAPHS, st.sets(NAMES, min_size=1))
def test_asks_for_each_node_once(graph: Graph, roots: Set[str]) -> None:
    asked: List[str] = []
    walk = ImportWalk()
    walk.start(roots)
    while walk.pending:
        asked += walk.pending
        walk.advance({node: graph[node] for node in walk.pending})
    assert len(asked) == len(set(asked))


@given(GRAPHS, st.sets(NAMES, min_size=1))
def test_each_chain_is_a_shortest_way_from_a_root(graph: Graph, roots: Set[str]) -> None:
    walk = walk_all(graph, roots)
    distance = {node: 0 for node in roots}
    frontier = list(roots)
    while frontier:
        node = frontier.pop(0)
        for neighbour in graph[node]:
            if neighbour not in distance:
                distance[neighbour] = distance[node] + 1
                frontier.append(neighbour)
    for node in walk.via:
        chain = chain_to(node, walk.via)
        assert chain[0] in roots and chain[-1] == node
        assert all(b in graph[a] for a, b in zip(chain, chain[1:]))
        assert len(chain) - 1 == distance[node]


@given(GRAPHS, st.sets(NAMES), st.randoms(use_true_random=False))
def test_the_order_in_which_edges_are_found_does_not_matter(
    graph: Graph, roots: Set[str], random: Random
) -> None:
    shuffled = {node: random.sample(edges, len(edges)) for node, edges in graph.items()}
    assert list(walk_all(graph, roots).via.items()) == list(walk_all(shuffled, roots).via.items())


def test_a_later_round_of_roots_does_not_change_how_a_node_was_reached() -> None:
    walk = walk_all({"model": ["helper"], "helper": ["model"]}, {"model"}, {"helper", "model"})
    assert walk.via == {"model": None, "helper": "model"}
    assert chain_to("helper", walk.via) == ["model", "helper"]


def test_what_is_kept_of_a_walk() -> None:
    walk = walk_all({"model": ["helper", "lib"], "helper": ["model"], "lib": []}, {"model"})
    graph = WalkedGraph(
        tuple(walk.via),
        tuple(walk.via.values()),
        ("t/model.py", None, "lib.py"),
        ("helper", "model", "model", "helper", "model", "lib"),
    )
    assert graph.via == walk.via
    assert graph.file_by_node == {"model": "t/model.py", "lib": "lib.py"}
    assert graph.edges == (("helper", "model"), ("model", "helper"), ("model", "lib"))
