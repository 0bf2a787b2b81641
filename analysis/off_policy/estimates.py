"""An off-policy estimate: its value, its interval by cluster, and its warnings."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import stdtrit

from contracts.metrics.columns import Floats

MEAN_WEIGHT_TOLERANCE = 0.05
"""Deviation of the mean weight from 1, its expectation, from which the estimate has a warning."""
MAX_DEVIATIONS = 3.0
"""Standard errors within which chance explains a mean weight other than 1."""
MIN_EFFECTIVE_SIZE = 100.0
"""Least effective number of decisions for a reliable interval."""
TAIL = 0.975


@dataclass(frozen=True)
class Estimate:
    """Mean reward per decision or per feed under the target policy, by the named estimator.

    ``low`` and ``high`` end its 95 % interval. ``effective_size`` is the number of equally weighted decisions that
    would be as good, ``(Σw)² / Σw²`` (Kish, "Survey Sampling", 1965). Over the positions of a feed, it is the smallest,
    and ``mean_weight`` the one furthest from 1.
    """

    estimator: str
    value: float
    standard_error: float
    low: float
    high: float
    effective_size: float
    mean_weight: float
    warnings: tuple[str, ...]


def summarise(estimator: str, terms: Floats, weights: Floats, clusters: NDArray[Any]) -> Estimate:
    """Estimate from terms ``(n,)`` whose mean is the value and whose spread is its error.

    ``weights`` is ``(n, k)``, the importance weights of each position. Terms of one cluster may depend on each other
    (Liang and Zeger, "Longitudinal Data Analysis Using Generalized Linear Models", Biometrika 1986); the interval is
    Student's with one degree of freedom less than there are clusters.
    """
    error = _standard_error(terms, clusters)
    margin = float(stdtrit(len(np.unique(clusters)) - 1, TAIL)) * error
    value = float(terms.mean())
    size = float(effective_sizes(weights).min())
    means = weights.mean(axis=0)
    furthest = int(np.abs(means - 1.0).argmax())
    warnings = _warn_of_mean(float(means[furthest]), _standard_error(weights[:, furthest], clusters))
    if size < MIN_EFFECTIVE_SIZE:
        worth = f"the log is worth {size:.0f} equally weighted decisions of the target policy"
        warnings = (*warnings, f"{worth}: with fewer than {MIN_EFFECTIVE_SIZE:.0f} the interval is likely too narrow")
    return Estimate(estimator, value, error, value - margin, value + margin, size, float(means[furthest]), warnings)


def effective_sizes(weights: Floats) -> Floats:
    """``(Σw)² / Σw²`` of each column of ``weights`` ``(n, k)``, ``(k,)``; 0 where all are 0."""
    squares = (weights**2).sum(axis=0)
    return np.asarray(np.divide(weights.sum(axis=0) ** 2, squares, out=np.zeros_like(squares), where=squares > 0))


def _standard_error(terms: Floats, clusters: NDArray[Any]) -> float:
    """Standard error of the mean of ``terms`` where whole clusters are independent."""
    _, cluster_of = np.unique(clusters, return_inverse=True)
    sums = np.bincount(cluster_of, weights=terms - terms.mean())
    return float(np.sqrt(len(sums) / (len(sums) - 1) * (sums @ sums)) / len(terms))


def _warn_of_mean(mean: float, error: float) -> tuple[str, ...]:
    """Say that the mean weight is not 1, and whether chance may be why."""
    distance = abs(mean - 1.0)
    is_chance = distance <= max(MAX_DEVIATIONS * error, 1e-9)
    if is_chance and distance <= MEAN_WEIGHT_TOLERANCE:
        return ()
    cause = (
        "chance explains it, because few decisions carry most of the weight: what the target policy does is rare here"
        if is_chance
        else "chance does not explain it: the logged propensities are not those of the policy that made the log, or "
        "the target policy does what the log never shows"
    )
    return (f"the mean weight is {mean:.3f} ± {error:.3f}, not 1; {cause}",)
