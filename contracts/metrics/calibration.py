"""Calibration: how far predictions are from what is observed, over bins of equally many rows.

Bins have equal size, not equal width: with equal width, most predictions of a rare label would fall into one bin. Rows
with the same prediction share a bin, so that no figure depends on the order of rows.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from contracts.metrics.columns import Floats, finite_columns
from contracts.metrics.log_loss import NEAREST

BUCKETS_PER_UNIT = 1000.0
"""Scores are rounded to a thousandth of a logit, or of log1p(seconds), so that there are few distinct ones to count."""


@dataclass(frozen=True)
class Bins:
    """Mean prediction, mean outcome and number of rows of each bin, lowest prediction first; all ``(b,)``."""

    predicted: Floats
    observed: Floats
    num_rows: Floats


def bins_of_rows(predicted: NDArray[Any], observed: NDArray[Any], num_bins: int) -> Bins:
    """Bins of rows, from their predictions and outcomes ``(n,)``: probabilities and labels, or seconds.

    Raises ``ValueError`` for unequal lengths and for values that are not finite.
    """
    predicted, observed = finite_columns(predicted=predicted, observed=observed)
    order = np.argsort(predicted, kind="stable")
    starts = np.flatnonzero(np.diff(predicted[order], prepend=-np.inf) > 0)
    if len(starts) == 0:
        return Bins(np.zeros(0), np.zeros(0), np.zeros(0))
    predicted, observed = (np.add.reduceat(values[order], starts) for values in (predicted, observed))
    return bins_of_buckets(np.diff(starts, append=len(order)), predicted, observed, num_bins)


def bins_of_scores(predicted: NDArray[Any], observed: NDArray[Any], num_bins: int, *, is_binary: bool) -> Bins:
    """Bins as of ``bins_of_rows``, with scores rounded by ``BUCKETS_PER_UNIT``, as evaluation counts them."""
    predicted, observed = finite_columns(predicted=predicted, observed=observed)
    clipped = np.clip(predicted, NEAREST, 1 - NEAREST)
    score = np.log(clipped / (1 - clipped)) if is_binary else np.log1p(np.maximum(predicted, 0.0))
    _, bucket, num_rows = np.unique(np.round(score * BUCKETS_PER_UNIT), return_inverse=True, return_counts=True)
    predicted, observed = (np.bincount(bucket, weights=values) for values in (predicted, observed))
    return bins_of_buckets(num_rows, predicted, observed, num_bins)


def bins_of_buckets(num_rows: NDArray[Any], predicted: NDArray[Any], observed: NDArray[Any], num_bins: int) -> Bins:
    """Bins of buckets of rows, lowest prediction first; the bin of a bucket's middle row takes the whole bucket.

    Inputs are per bucket, ``(s,)``: rows, sum of predictions, sum of outcomes. A bin without a middle row is left out.
    """
    total = float(np.sum(num_rows))
    if total == 0:
        return Bins(np.zeros(0), np.zeros(0), np.zeros(0))
    middle = np.cumsum(num_rows) - (np.asarray(num_rows) - 1.0) / 2.0  # the rank of a bucket's middle row, from 1
    bin_of = np.ceil(middle * num_bins / total).astype(np.int64) - 1
    sums = [np.bincount(bin_of, weights=values, minlength=num_bins) for values in (predicted, observed, num_rows)]
    predicted_sum, observed_sum, rows = (np.asarray(values, dtype=np.float64)[sums[2] > 0] for values in sums)
    return Bins(predicted_sum / rows, observed_sum / rows, rows)


def calibration_quality(bins: Bins) -> dict[str, float | None]:
    """The calibration figures of one head, named as in training, registry and report; ``None`` if undefined.

    ``relative_error`` is that of the mean; ``ece`` is in the unit of the head; ``slope``.
    """
    return {"relative_error": relative_error(bins), "ece": calibration_error(bins), "slope": slope(bins)}


def calibration_error(bins: Bins) -> float | None:
    """Expected calibration error: distance between mean prediction and mean outcome of a bin, averaged over rows.

    ``None`` without rows. Source: Naeini, Cooper and Hauskrecht, "Obtaining Well Calibrated Probabilities Using
    Bayesian Binning", AAAI 2015, with bins of equal size.
    """
    total = bins.num_rows.sum()
    return float((np.abs(bins.predicted - bins.observed) * bins.num_rows).sum() / total) if total else None


def relative_error(bins: Bins) -> float | None:
    """Mean prediction over mean outcome, less 1; ``None`` where the mean outcome is 0."""
    predicted, observed = (float((means * bins.num_rows).sum()) for means in (bins.predicted, bins.observed))
    return predicted / observed - 1.0 if observed else None


def slope(bins: Bins) -> float | None:
    """Slope of the line through the bins, outcome over prediction, by least squares weighted by rows.

    1 is right. Above 1, predictions vary too little; below 1, too much. Outcomes are regressed on predictions because
    the noise is in the outcomes: with rare labels it would pull the reverse slope towards 0.
    ``None`` if all bins have the same prediction. Source: Cox, "Two Further Applications of a Model for Binary
    Regression", Biometrika 1958, on bins instead of logits.
    """
    if len(bins.num_rows) == 0:
        return None
    centred = bins.predicted - np.average(bins.predicted, weights=bins.num_rows)
    spread = float((bins.num_rows * centred**2).sum())
    return float((bins.num_rows * centred * bins.observed).sum() / spread) if spread else None
