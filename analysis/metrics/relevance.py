"""Metrics of ranked lists that nights report: which rows are relevant, which lists count, which metrics."""

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from analysis.metrics import ranking
from analysis.metrics.ranking import RankedLists
from contracts.heads import RELEVANT_HEADS
from contracts.metrics.columns import Floats

MIN_EXAMPLES = 2
"""A list of one example has only one order."""

METRICS: dict[str, Callable[[RankedLists], Floats]] = {
    "ndcg@10": lambda lists: ranking.ndcg(lists, 10),
    "ndcg@50": lambda lists: ranking.ndcg(lists, 50),
    "mrr": ranking.reciprocal_rank,
    "precision@10": lambda lists: ranking.precision(lists, 10),
    "recall@10": lambda lists: ranking.recall(lists, 10),
}
"""Metrics of one list; ``contracts.settings.examples`` names those that may guard a promotion."""


def grades_of(labels: Mapping[str, NDArray[Any]]) -> Floats:
    """Relevance of each row, ``(n,)``: like 1, comment 2, share 3, the highest counts; ``labels`` by column."""
    graded = [head.grade * (labels[head.label_column] > 0) for head in RELEVANT_HEADS]
    return np.asarray(np.max(graded, axis=0), dtype=np.float64)
