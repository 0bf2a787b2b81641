"""Area under the ROC curve: the chance that a positive row scores above a negative one, a tie counting half.

Source: the statistic of Mann and Whitney, "On a Test of Whether one of Two Random Variables is Stochastically Larger
than the Other", Annals of Mathematical Statistics 1947, with weights.
"""

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from contracts.metrics.columns import Floats, finite_columns


def auc(scores: NDArray[Any], labels: NDArray[Any], weights: NDArray[Any] | None = None) -> float | None:
    """AUC of one sample; all inputs are ``(n,)``; ``None`` with one class only.

    A label between 0 and 1 counts as that share of a positive row and the rest of a negative one.
    Raises ``ValueError`` for unequal lengths and for values that are not finite.
    """
    scores, labels, weights = finite_columns(scores=scores, labels=labels, weights=weights)
    return auc_of_weights(scores, labels)(weights)


def auc_of_weights(scores: NDArray[Any], labels: NDArray[Any]) -> Callable[[Floats], float | None]:
    """AUC of one sample as a function of the weights of its rows, ``(n,)``: rows are sorted once, for many weights.

    Raises ``ValueError`` for unequal lengths and for values that are not finite.
    """
    scores, labels = finite_columns(scores=scores, labels=labels)
    order = np.argsort(scores, kind="stable")
    starts = np.flatnonzero(np.diff(scores[order], prepend=-np.inf) > 0)
    shares = labels[order], 1.0 - labels[order]

    def weighted(weights: Floats) -> float | None:
        if len(starts) == 0:
            return None
        return auc_of_counts(*(np.add.reduceat(weights[order] * share, starts) for share in shares))

    return weighted


def auc_of_counts(positives: NDArray[Any], negatives: NDArray[Any]) -> float | None:
    """AUC from counts per score, lowest score first, both ``(s,)``; ``None`` with one class only."""
    if len(positives) == 0:
        return None
    value = float(auc_of_lists(positives, negatives, np.zeros(1, dtype=np.int64))[0])
    return None if np.isnan(value) else value


def auc_of_lists(positives: NDArray[Any], negatives: NDArray[Any], starts: NDArray[Any]) -> Floats:
    """AUC of many samples, ``(g,)``, from counts per score, lowest first, one sample after another.

    ``starts``, ``(g,)``, is where each sample begins. NaN for a sample with one class only.
    """
    up, down = np.asarray(positives, dtype=np.float64), np.asarray(negatives, dtype=np.float64)
    if len(starts) == 0:
        return np.zeros(0)
    below = np.cumsum(down) - down
    below -= np.repeat(below[starts], np.diff(starts, append=len(up)))
    pairs = np.add.reduceat(up, starts) * np.add.reduceat(down, starts)
    won = np.add.reduceat(up * (below + down / 2.0), starts)
    return np.asarray(np.divide(won, pairs, out=np.full(len(starts), np.nan), where=pairs != 0))
