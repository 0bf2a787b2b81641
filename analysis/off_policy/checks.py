"""Checks of a log before anything is estimated from it."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from contracts.metrics.columns import Floats


def check_log(rewards: Floats, logged: Floats, target: Floats, clusters: NDArray[Any], num_axes: int) -> None:
    """Raise ``ValueError`` for wrong shapes, too few rows, and values that are not finite or not probabilities.

    The first three have one shape, ``(n,)`` or ``(n, k)`` by ``num_axes``; ``clusters`` is ``(n,)``.
    """
    if rewards.ndim != num_axes:
        raise ValueError(f"the log's columns must have {num_axes} axes, rewards have shape {rewards.shape}")
    if not rewards.shape == logged.shape == target.shape or clusters.shape != rewards.shape[:1]:
        shapes = f"rewards {rewards.shape}, logged {logged.shape}, target {target.shape}, clusters {clusters.shape}"
        raise ValueError(f"the columns of a log must be equally long: {shapes}")
    if rewards.size == 0:
        raise ValueError("the log is empty")
    if len(np.unique(clusters)) == 1:
        raise ValueError("the log holds one decision or one cluster only: nothing tells how far chance moves its value")
    check_finite("rewards", rewards)
    if not (np.all(logged > 0) and np.all(logged <= 1)):
        raise ValueError("a logged propensity is not in (0, 1]: what was shown had a chance of being shown")
    if not (np.all(target >= 0) and np.all(target <= 1)):
        raise ValueError("a target probability is not in [0, 1]")


def check_finite(name: str, values: Floats) -> None:
    """Raise ``ValueError`` where a value is NaN or infinite."""
    if not np.isfinite(values).all():
        raise ValueError(f"{name} is not finite in {int((~np.isfinite(values)).sum())} of {values.size} values")
