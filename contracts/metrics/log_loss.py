"""Log loss: the mean negative log-likelihood of labels, in nats."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from contracts.metrics.columns import finite_columns

NEAREST = 1e-7
"""Probabilities are clipped to this distance from 0 and 1, so that one row cannot make the loss infinite."""


def log_loss(probabilities: NDArray[Any], labels: NDArray[Any], weights: NDArray[Any] | None = None) -> float | None:
    """Weighted mean of ``-(y log p + (1 - y) log(1 - p))``; all inputs are ``(n,)``; ``None`` if the weights sum to 0.

    Raises ``ValueError`` for unequal lengths and for values that are not finite.
    """
    probabilities, labels, weights = finite_columns(probabilities=probabilities, labels=labels, weights=weights)
    if weights.sum() == 0.0:
        return None
    clipped = np.clip(probabilities, NEAREST, 1 - NEAREST)
    losses = -(labels * np.log(clipped) + (1 - labels) * np.log1p(-clipped))
    return float((weights * losses).sum() / weights.sum())
