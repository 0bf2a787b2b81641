"""Ranking metrics on many ranked lists at once: NDCG, reciprocal rank, precision, recall, average precision.

A batch of lists is ragged: ``gains`` holds the lists one after another in rank order, ``starts`` where each begins.
Discounts and gains follow trec_eval (gain / log2(rank + 1), rank from 1), so its reference outputs are reproduced.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from analysis.groups import Ints, group_starts
from contracts.metrics.columns import Floats


@dataclass(frozen=True)
class RankedLists:
    """Ranked lists, best first. ``gains`` is ``(n,)``; ``starts``, ``(g,)``, indexes the first item of each list."""

    gains: Floats
    starts: Ints

    @property
    def sizes(self) -> Ints:
        """Items per list, ``(g,)``."""
        return np.diff(self.starts, append=len(self.gains))

    @property
    def ranks(self) -> Ints:
        """Rank of each item within its list, from 0, ``(n,)``."""
        return np.arange(len(self.gains)) - np.repeat(self.starts, self.sizes)

    @property
    def num_relevant(self) -> Floats:
        """Items with a positive gain per list, ``(g,)``."""
        return _per_list(self, (self.gains > 0).astype(np.float64))


def rank_lists(groups: NDArray[Any], scores: NDArray[Any], ties: NDArray[Any], gains: NDArray[Any]) -> RankedLists:
    """Order each group by score, highest first; equal scores by ``ties``, lowest first. Lists come in group order."""
    order = np.lexsort((ties, -scores, groups))
    return RankedLists(gains[order].astype(np.float64), group_starts(groups[order]))


def _per_list(lists: RankedLists, values: Floats) -> Floats:
    if len(lists.starts) == 0:
        return np.zeros(0)
    return np.asarray(np.add.reduceat(values, lists.starts), dtype=np.float64)


def _ratio(numerator: Floats, denominator: Floats) -> Floats:
    return np.divide(numerator, denominator, out=np.zeros_like(numerator), where=denominator > 0)


def dcg(lists: RankedLists, k: int | None = None) -> Floats:
    """Discounted cumulative gain of the first ``k`` items (all for None), ``(g,)``."""
    ranks = lists.ranks
    discounted = lists.gains / np.log2(ranks + 2.0)
    return _per_list(lists, discounted if k is None else np.where(ranks < k, discounted, 0.0))


def ideal(lists: RankedLists) -> RankedLists:
    """Put each list into its best order."""
    groups = np.repeat(np.arange(len(lists.starts)), lists.sizes)
    return RankedLists(lists.gains[np.lexsort((-lists.gains, groups))], lists.starts)


def ndcg(lists: RankedLists, k: int | None = None, best: RankedLists | None = None) -> Floats:
    """DCG over the DCG of the best order, ``(g,)``; 0 for a list without a gain.

    ``best`` is needed where relevant items were not retrieved: it lists all of them, best first.
    """
    return _ratio(dcg(lists, k), dcg(best or ideal(lists), k))


def reciprocal_rank(lists: RankedLists) -> Floats:
    """1 / rank of the first relevant item, 0 where there is none, ``(g,)``."""
    if len(lists.starts) == 0:
        return np.zeros(0)
    reciprocal = np.where(lists.gains > 0, 1.0 / (lists.ranks + 1.0), 0.0)
    return np.asarray(np.maximum.reduceat(reciprocal, lists.starts))


def precision(lists: RankedLists, k: int) -> Floats:
    """Relevant items among the first ``k``, over ``k`` even for a shorter list, ``(g,)``."""
    return _per_list(lists, ((lists.gains > 0) & (lists.ranks < k)).astype(np.float64)) / k


def recall(lists: RankedLists, k: int, num_relevant: Floats | None = None) -> Floats:
    """Relevant items among the first ``k``, over all relevant ones, ``(g,)``."""
    return _ratio(precision(lists, k) * k, lists.num_relevant if num_relevant is None else num_relevant)


def average_precision(lists: RankedLists, num_relevant: Floats | None = None) -> Floats:
    """Mean over all relevant items of the precision at their rank, ``(g,)``."""
    relevant = (lists.gains > 0).astype(np.float64)
    seen = np.cumsum(relevant)
    before = np.repeat((seen - relevant)[lists.starts], lists.sizes)
    total = _per_list(lists, relevant * (seen - before) / (lists.ranks + 1.0))
    return _ratio(total, lists.num_relevant if num_relevant is None else num_relevant)
