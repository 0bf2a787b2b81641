"""Communities of an undirected weighted graph by modularity (parallel Louvain), on arrays.

Louvain (Blondel, Guillaume, Lambiotte and Lefebvre, "Fast unfolding of communities in large networks", 2008) moves one
node at a time. Here nodes move together, as in Lu, Halappanavar and Kalyanaraman, "Parallel heuristics for scalable
community detection", 2015: a coin per node and sweep chooses the half that decides first, so that two neighbours seldom
swap, and of two singletons only the larger id joins the smaller. Choices depend on ids and on sums of integers, so a
result depends neither on the order nor on the partition of rows.
``spark_jobs/features/graph/sweeps.py`` takes the same steps in columns and reaches the same communities.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from contracts.settings import CommunityRules

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]

_PRIME = 2**31 - 1
_STEP = 48271


@dataclass(frozen=True)
class Level:
    """Nodes and edges of one level. ``ids`` ``(n,)`` ascend; the rest is ``(e,)``, every edge in both directions.

    ``source`` and ``target`` are positions in ``ids``; a loop holds twice the weight of the edges inside its node.
    """

    ids: Ints
    source: Ints
    target: Ints
    weight: Ints

    @property
    def degree(self) -> Floats:
        """Weight of each node's edges, loops included, ``(n,)``."""
        return np.asarray(np.bincount(self.source, self.weight, minlength=len(self.ids)), dtype=np.float64)


def decides_first(node: Any, sweep: int) -> Any:
    """Which nodes (an array or a Spark column of ids) decide in the first half of a sweep.

    It uses a multiple of the id, another one in each sweep, and its square, both modulo a prime. They are below 2^62,
    so exact in 64 bits everywhere, and without the regularities of multiples of consecutive ids.
    """
    residue = (node % _PRIME + _PRIME) % _PRIME
    multiple = residue * pow(_STEP, sweep + 2, _PRIME) % _PRIME
    return multiple * multiple % _PRIME < _PRIME // 2


def is_settled(num_moved: int, num_nodes: int, rules: CommunityRules) -> bool:
    """Whether so few nodes moved in a sweep that the next level may begin."""
    return num_moved <= rules.min_moved_share * num_nodes


def louvain(source: Ints, target: Ints, weight: Ints, rules: CommunityRules) -> tuple[Ints, Ints]:
    """Nodes in ascending order and the community of each, named by its smallest member; both ``(n,)``.

    Edges, ``(e,)``, come in both directions.
    """
    ids, ends = np.unique(np.concatenate([source, target]), return_inverse=True)
    level = Level(ids, ends[: len(source)], ends[len(source) :], weight)
    node = np.arange(len(ids))
    while True:
        community = move_nodes(level, rules)
        merged, member = merge_nodes(level, community)
        node = member[node]
        if len(merged.ids) == len(level.ids):
            return ids, merged.ids[node]
        level = merged


def move_nodes(level: Level, rules: CommunityRules) -> Ints:
    """Community of each node after the sweeps of one level, ``(n,)``: the position of the node that founded it."""
    community = np.arange(len(level.ids))
    for sweep in range(rules.max_sweeps):
        first = decides_first(level.ids, sweep)
        num_moved = 0
        for deciding in (first, ~first):
            moved = best_moves(level, community, deciding)
            num_moved += int(np.count_nonzero(moved != community))
            community = moved
        if is_settled(num_moved, len(level.ids), rules):
            break
    return community


def best_moves(level: Level, community: Ints, deciding: NDArray[np.bool_]) -> Ints:
    """Communities after each deciding node has moved to where modularity gains most, all at once, ``(n,)``.

    For node i and community c, without i, the gain is proportional to ``2m · k(i, c) - k(i) · k(c)``. A node moves only
    to a community with a larger gain than its own; equal gains go to the smallest id.
    """
    num_nodes, degree, twice_edges = len(level.ids), level.degree, float(level.weight.sum())
    total = np.bincount(community, degree, minlength=num_nodes)
    size = np.bincount(community, minlength=num_nodes)
    counted = deciding[level.source] & (level.source != level.target)
    key, shared = _sum_by(level.source[counted] * num_nodes + community[level.target[counted]], level.weight[counted])
    node, other = key // num_nodes, key % num_nodes
    own = community[node] == other
    gain = shared * twice_edges - degree[node] * (total[other] - np.where(own, degree[node], 0.0))
    staying = -degree * (total[community] - degree)
    staying[node[own]] = gain[own]
    node, other, gain = node[~own], other[~own], gain[~own]
    order = np.lexsort((other, -gain, node))
    best = order[np.flatnonzero(np.diff(node[order], prepend=-1))]
    node, other, gain = node[best], other[best], gain[best]
    both_alone = (size[community[node]] == 1) & (size[other] == 1)
    moves = (gain > staying[node]) & ~(both_alone & (other > community[node]))
    moved = community.copy()
    moved[node[moves]] = other[moves]
    return moved


def merge_nodes(level: Level, community: Ints) -> tuple[Level, Ints]:
    """The level whose nodes are the communities, named by their smallest members, and each node's place in it."""
    smallest = np.full(len(level.ids), len(level.ids))
    np.minimum.at(smallest, community, np.arange(len(level.ids)))
    kept, member = np.unique(smallest[community], return_inverse=True)
    key, weight = _sum_by(member[level.source] * len(kept) + member[level.target], level.weight)
    return Level(level.ids[kept], key // len(kept), key % len(kept), weight), member


def modularity(source: NDArray[Any], target: NDArray[Any], weight: NDArray[Any]) -> float:
    """Modularity from the edges between communities: ``Σ_c e(c, c) / 2m - (k(c) / 2m)²``.

    ``source`` and ``target`` are communities, ``(e,)``, of edges in both directions (Newman and Girvan, 2004).
    """
    total = float(weight.sum())
    _, position = np.unique(source, return_inverse=True)
    degree = np.bincount(position, weight) / total
    return float(weight[source == target].sum() / total - np.square(degree).sum())


def _sum_by(key: Ints, weight: Ints) -> tuple[Ints, Ints]:
    order = np.argsort(key, kind="stable")
    starts = np.flatnonzero(np.diff(key[order], prepend=-1))
    if len(starts) == 0:
        return key, weight
    return key[order][starts], np.add.reduceat(weight[order], starts)
