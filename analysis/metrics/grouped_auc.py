"""AUC within groups: whether each user's positive rows score above the same user's negative ones."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from analysis.groups import group_starts
from contracts.metrics.auc import auc_of_lists
from contracts.metrics.columns import Floats


def auc_by_group(groups: NDArray[Any], scores: NDArray[Any], labels: NDArray[Any]) -> Floats:
    """AUC per group in group order, ``(g,)``, from rows ``(n,)``; a label above 0 is positive.

    NaN for a group with one class only.
    """
    order = np.lexsort((scores, groups))
    groups, positive, scores = groups[order], (labels[order] > 0).astype(np.float64), scores[order]
    runs = group_starts(groups, scores)  # rows of one group with one score
    if len(runs) == 0:
        return np.zeros(0)
    up = np.add.reduceat(positive, runs)
    down = np.diff(runs, append=len(groups)) - up
    return auc_of_lists(up, down, group_starts(groups[runs]))


def grouped_auc(groups: NDArray[Any], scores: NDArray[Any], labels: NDArray[Any]) -> float | None:
    """Mean of the groups' AUC weighted by their rows, over groups with both classes; ``None`` where there is none.

    Source: Zhu et al., "Optimized Cost per Click in Taobao Display Advertising", KDD 2017.
    """
    values = auc_by_group(groups, scores, labels)
    _, sizes = np.unique(groups, return_counts=True)
    is_defined = ~np.isnan(values)
    return float(np.average(values[is_defined], weights=sizes[is_defined])) if is_defined.any() else None
