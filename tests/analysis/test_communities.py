from itertools import combinations
from typing import Any

import networkx as nx
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from analysis.communities import Ints, decides_first, louvain, modularity
from contracts.settings import CommunityRules

RULES = CommunityRules()


def directed(edges: list[tuple[int, int]]) -> tuple[Ints, Ints, Ints]:
    both = np.array([*edges, *((b, a) for a, b in edges)], dtype=np.int64).reshape(-1, 2)
    return both[:, 0], both[:, 1], np.ones(len(both), dtype=np.int64)


def members(edges: list[tuple[int, int]], rules: CommunityRules = RULES) -> dict[int, int]:
    nodes, communities = louvain(*directed(edges), rules)
    return dict(zip(nodes.tolist(), communities.tolist(), strict=True))


def as_sets(community: dict[int, int]) -> list[set[int]]:
    return [{node for node in community if community[node] == name} for name in set(community.values())]


GRAPHS = {
    "karate club": nx.karate_club_graph(),
    "planted groups": nx.planted_partition_graph(20, 40, 0.25, 0.01, seed=3),
    "small world": nx.watts_strogatz_graph(1000, 10, 0.1, seed=2),
    "popular few": nx.barabasi_albert_graph(1000, 5, seed=1),
    "no structure": nx.gnm_random_graph(1000, 4000, seed=1),
    "two sides": nx.bipartite.random_graph(300, 300, 0.02, seed=2),
    "complete bipartite": nx.complete_bipartite_graph(20, 30),
    "star": nx.star_graph(50),
    "path": nx.path_graph(500),
    "grid": nx.convert_node_labels_to_integers(nx.grid_2d_graph(25, 25)),
    "ring of cliques": nx.ring_of_cliques(30, 6),
    "couples": nx.from_edgelist((2 * n, 2 * n + 1) for n in range(200)),
}


@pytest.mark.parametrize("name", GRAPHS)
def test_modularity_is_that_of_networkx(name: str) -> None:
    graph = GRAPHS[name]
    graph.remove_nodes_from(list(nx.isolates(graph)))
    source, target, weight = directed(list(graph.edges))
    community = members(list(graph.edges))
    ours = nx.community.modularity(graph, as_sets(community), weight=None)
    theirs = nx.community.modularity(graph, nx.community.louvain_communities(graph, weight=None, seed=1), weight=None)
    assert ours > theirs - 0.02
    place = np.array([community[node] for node in range(max(community) + 1) if node in community])
    nodes = np.array(sorted(community))
    of_edges = [place[np.searchsorted(nodes, end)] for end in (source, target)]
    assert modularity(of_edges[0], of_edges[1], weight) == pytest.approx(ours)


def test_two_cliques_with_a_bridge_are_two_communities() -> None:
    cliques = [(0, 1, 2, 3, 4), (10, 11, 12, 13, 14)]
    edges = [pair for clique in cliques for pair in combinations(clique, 2)]
    assert members([*edges, (4, 10)]) == {node: clique[0] for clique in cliques for node in clique}


def test_equal_gains_go_to_the_smallest_id() -> None:
    cliques = [(10, 11, 12, 13), (20, 21, 22, 23)]
    edges = [pair for clique in cliques for pair in combinations(clique, 2)]
    assert members([*edges, (30, 20), (30, 10)])[30] == 10


def test_two_singletons_meet_whichever_half_they_decide_in() -> None:
    couples = [(n, n + 1) for n in range(0, 400, 2)]
    first = decides_first(np.arange(400), 0)
    assert {(bool(first[a]), bool(first[b])) for a, b in couples} == {(x, y) for x in (0, 1) for y in (0, 1)}
    assert members(couples, CommunityRules(max_sweeps=1)) == {node: couple[0] for couple in couples for node in couple}


def test_a_graph_without_edges_has_no_communities() -> None:
    nothing = np.zeros(0, dtype=np.int64)
    nodes, communities = louvain(nothing, nothing, nothing, RULES)
    assert len(nodes) == len(communities) == 0


def test_weights_count() -> None:
    """A square whose opposite sides are heavy falls into those sides, whichever they are."""
    source, target, weight = directed([(0, 1), (1, 2), (2, 3), (3, 0)])
    for heavy, expected in (((0, 2), [0, 0, 2, 2]), ((1, 3), [0, 1, 1, 0])):
        weights = np.where(np.isin(np.arange(len(weight)) % 4, heavy), 5, weight)
        assert louvain(source, target, weights, RULES)[1].tolist() == expected


def edge_lists() -> Any:
    node = st.integers(-(2**63), 2**63 - 1) | st.integers(0, 12)
    return st.lists(st.tuples(node, node).filter(lambda edge: edge[0] != edge[1]), min_size=1, max_size=60)


@given(edge_lists(), st.randoms(use_true_random=False))
def test_communities_partition_the_components_whatever_the_order_of_edges(
    edges: list[tuple[int, int]], order: Any
) -> None:
    edges = list({tuple(sorted(edge)): edge for edge in edges}.values())
    community = members(edges)
    graph = nx.from_edgelist(edges)
    assert set(community) == set(graph.nodes)
    for found in as_sets(community):
        assert community[min(found)] == min(found)
        assert len({frozenset(nx.node_connected_component(graph, node)) for node in found}) == 1
    shuffled = [(b, a) for a, b in edges]
    order.shuffle(shuffled)
    assert members(shuffled) == community
