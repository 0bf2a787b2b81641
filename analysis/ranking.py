"""Ranking metrics on many ranked lists at once, AUC, calibration and the user bootstrap.

A batch of lists is ragged: ``gains`` holds the lists one after another in rank order, ``starts`` where each begins.
Discounts and gains follow trec_eval (gain / log2(rank + 1), rank from 1), so its reference outputs are reproduced.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


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


def group_starts(*keys: NDArray[Any]) -> Ints:
    """First index of each run of equal keys, ``(g,)``; empty for no rows."""
    change = np.ones(len(keys[0]), dtype=bool)
    if len(change):
        change[1:] = np.any([key[1:] != key[:-1] for key in keys], axis=0)
    return np.flatnonzero(change)


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


def auc_by_group(groups: NDArray[Any], labels: NDArray[Any], scores: NDArray[Any]) -> Floats:
    """Share of (positive, negative) pairs in the right order, a tie counting half, per group in group order, ``(g,)``.

    NaN for a group with one class only. Source: the Mann-Whitney statistic.
    """
    order = np.lexsort((scores, groups))
    groups, positive, scores = groups[order], (labels[order] > 0).astype(np.float64), scores[order]
    runs = group_starts(groups, scores)  # rows of one group with one score
    if len(runs) == 0:
        return np.zeros(0)
    up = np.add.reduceat(positive, runs)
    down = np.diff(runs, append=len(groups)) - up
    starts = group_starts(groups[runs])
    return _auc(up, down, starts)


def auc(labels: NDArray[Any], scores: NDArray[Any]) -> float:
    """AUC of one sample; NaN with one class only."""
    values = auc_by_group(np.zeros(len(labels), dtype=np.int64), labels, scores)
    return float(values[0]) if len(values) else float("nan")


def auc_from_counts(positives: NDArray[Any], negatives: NDArray[Any]) -> float:
    """AUC from counts per score, lowest score first; NaN with one class only."""
    if len(positives) == 0:
        return float("nan")
    return float(_auc(positives.astype(np.float64), negatives.astype(np.float64), np.zeros(1, dtype=np.int64))[0])


def _auc(up: Floats, down: Floats, starts: Ints) -> Floats:
    below = np.cumsum(down) - down
    below -= np.repeat(below[starts], np.diff(starts, append=len(up)))
    pairs = np.add.reduceat(up, starts) * np.add.reduceat(down, starts)
    won = np.add.reduceat(up * (below + down / 2.0), starts)
    return np.asarray(np.divide(won, pairs, out=np.full(len(starts), np.nan), where=pairs > 0))


def calibration_bins(counts: NDArray[Any], predicted: NDArray[Any], observed: NDArray[Any], bins: int = 10) -> Floats:
    """Merge score buckets, lowest first, into at most ``bins`` bins of about equal count.

    Inputs are per bucket: rows, sum of predictions, sum of outcomes. Returns ``(bins, 3)``: mean prediction, mean
    outcome, rows; bins that no bucket's middle falls into are left out.
    """
    total = float(np.sum(counts))
    if total == 0:
        return np.zeros((0, 3))
    middle = (np.cumsum(counts) - np.asarray(counts) / 2.0) / total
    bin_of = np.minimum((middle * bins).astype(np.int64), bins - 1)
    sums = [np.bincount(bin_of, weights=values, minlength=bins) for values in (predicted, observed, counts)]
    rows = np.stack(sums, axis=1)[sums[2] > 0]
    return np.asarray(rows / np.stack([rows[:, 2], rows[:, 2], np.ones(len(rows))], axis=1))


def expected_calibration_error(bins: Floats) -> float:
    """Mean over rows of |mean prediction - mean outcome| of their bin; ``bins`` as from ``calibration_bins``."""
    return float(np.sum(np.abs(bins[:, 0] - bins[:, 1]) * bins[:, 2]) / max(np.sum(bins[:, 2]), 1.0))


def bootstrap(values: Floats, resamples: int, seed: int, level: float = 0.95) -> tuple[Floats, Floats, Floats]:
    """Mean, low and high end of the percentile interval of each column of ``values`` ``(users, m)``, each ``(m,)``.

    Whole users are drawn, the same ones for every column: put a difference into its own column for a paired interval.
    Raises ``ValueError`` without a row.
    """
    num_users = len(values)
    if num_users == 0:
        raise ValueError("the bootstrap needs at least one user")
    generator = np.random.default_rng(seed)
    means = np.empty((resamples, values.shape[1]))
    for index in range(resamples):
        draws = np.bincount(generator.integers(num_users, size=num_users), minlength=num_users)
        means[index] = draws @ values / num_users
    tail = (1.0 - level) / 2.0
    low, high = np.quantile(means, [tail, 1.0 - tail], axis=0)
    return values.mean(axis=0), low, high
