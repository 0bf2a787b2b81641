"""Labels corrected for position; calibrated predictions are compared with these."""

from typing import Any

from numpy.typing import NDArray

from contracts.metrics.columns import Floats, finite_columns


def at_average_place(labels: NDArray[Any], weights: NDArray[Any]) -> Floats:
    """Labels as they would be, in expectation, if every row were at the average place of these rows; ``(n,)``.

    ``weights`` are a constant divided by the chance that the row was looked at. Each label is multiplied by the mean
    chance over its own chance: ``label * weight * mean(1 / weight)``. A positive label may exceed 1. Raises
    ``ValueError`` for unequal lengths and values that are not finite.
    Source: Horvitz and Thompson, "A Generalization of Sampling Without Replacement From a Finite Universe", JASA 1952.
    """
    labels, weights = finite_columns(labels=labels, weights=weights)
    return labels * weights * mean_chance(len(weights), float((1.0 / weights).sum()))


def mean_chance(num_rows: int, inverse_weights: float) -> float:
    """Mean of 1 / weight from its sum; 1 without rows."""
    return inverse_weights / num_rows if num_rows else 1.0
