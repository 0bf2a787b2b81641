"""Weighted metrics of one head on arrays; ``None`` where a metric is undefined, never NaN."""

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


def auc(scores: Floats, labels: Floats, weights: Floats) -> float | None:
    """Area under the ROC curve: the chance that a positive scores above a negative, ties counting half.

    Shapes (N,). ``None`` without both classes. Source: the Mann-Whitney statistic with weights.
    """
    order = np.argsort(scores, kind="stable")
    positive = (weights * labels)[order]
    negative = (weights * (1.0 - labels))[order]
    if positive.sum() == 0.0 or negative.sum() == 0.0:
        return None
    starts = np.concatenate([[0], np.flatnonzero(np.diff(scores[order])) + 1])
    positive_at, negative_at = np.add.reduceat(positive, starts), np.add.reduceat(negative, starts)
    below = np.cumsum(negative_at) - negative_at
    return float((positive_at * (below + negative_at / 2)).sum() / (positive.sum() * negative.sum()))


def log_loss(probabilities: Floats, labels: Floats, weights: Floats) -> float | None:
    """Mean negative log-likelihood in nats; ``None`` without rows."""
    if weights.sum() == 0.0:
        return None
    clipped = np.clip(probabilities, 1e-7, 1 - 1e-7)
    losses = -(labels * np.log(clipped) + (1 - labels) * np.log1p(-clipped))
    return float((weights * losses).sum() / weights.sum())


def calibration_error(probabilities: Floats, labels: Floats, weights: Floats, num_bins: int = 15) -> float | None:
    """Expected calibration error: mean |predicted - observed| over bins of equally many rows; ``None`` without rows.

    Bins of equal size rather than width: most predictions of a rare label fall into one bin of equal width.
    """
    if weights.sum() == 0.0:
        return None
    order = np.argsort(probabilities, kind="stable")
    starts = np.unique(np.arange(num_bins) * len(order) // num_bins)
    gaps = np.add.reduceat((weights * (probabilities - labels))[order], starts)
    return float(np.abs(gaps).sum() / weights.sum())
