"""Per-head calibration on days that training never saw: what turns a logit into a probability one may multiply.

Binary heads: Platt scaling, p = sigmoid(scale * logit + offset) with scale > 0, so that the order is kept.
Dwell: seconds = scale * expm1(prediction), which makes the mean right that a regression on log1p leaves low.
"""

from dataclasses import dataclass

import numpy as np

from contracts.metrics.columns import Floats

MIN_POSITIVES = 10
"""With fewer positives or negatives on the calibration days, only the mean is corrected, to the training rate."""


@dataclass(frozen=True)
class HeadCalibration:
    """How one head's output becomes a probability, or seconds. ``method``: platt, prior or ratio."""

    method: str
    scale: float
    offset: float


def sigmoid(logits: Floats) -> Floats:
    """Logistic function without overflow."""
    positive = np.exp(-np.abs(logits))
    return np.where(logits >= 0, 1.0, positive) / (1.0 + positive)


def calibrate(calibration: HeadCalibration, outputs: Floats) -> Floats:
    """Probabilities of a binary head, or seconds of the dwell head, from the network's outputs."""
    if calibration.method == "ratio":
        return calibration.scale * np.expm1(np.maximum(outputs, 0.0))
    return sigmoid(calibration.scale * outputs + calibration.offset)


def fit_binary(logits: Floats, labels: Floats, weights: Floats, training_rate: float) -> HeadCalibration:
    """Platt scaling where there are enough labels and it keeps the order, else a shift to the training rate."""
    num_positives = int((labels > 0).sum())
    if min(num_positives, len(labels) - num_positives) >= MIN_POSITIVES:
        scale, offset = _fit_platt(logits, labels, weights)
        if scale > 0:
            return HeadCalibration("platt", scale, offset)
    return HeadCalibration("prior", 1.0, _fit_shift(logits, weights, training_rate))


def fit_dwell(outputs: Floats, labels: Floats, weights: Floats) -> HeadCalibration:
    """Ratio of observed to predicted mean seconds; 1 where either is zero."""
    predicted = float((weights * np.expm1(np.maximum(outputs, 0.0))).sum())
    observed = float((weights * np.expm1(labels)).sum())
    return HeadCalibration("ratio", observed / predicted if predicted > 0 and observed > 0 else 1.0, 0.0)


def _fit_platt(logits: Floats, labels: Floats, weights: Floats) -> tuple[float, float]:
    """Newton's method with step halving on the weighted log loss; a unit-variance prior holds the scale near 1.

    Source: Platt, Probabilistic outputs for support vector machines (1999); Lin, Lin, Weng (2007) for the steps.
    """
    scale, offset = 1.0, 0.0

    def loss(a: float, b: float) -> float:
        z = a * logits + b
        return float((weights * (np.logaddexp(0.0, z) - labels * z)).sum()) + (a - 1.0) ** 2 / 2

    current = loss(scale, offset)
    for _ in range(100):
        p = sigmoid(scale * logits + offset)
        residual, curvature = weights * (p - labels), weights * p * (1.0 - p)
        gradient = np.array([(residual * logits).sum() + scale - 1.0, residual.sum()])
        cross = (curvature * logits).sum()
        hessian = np.array([[(curvature * logits**2).sum() + 1.0, cross], [cross, curvature.sum() + 1e-9]])
        step = np.linalg.solve(hessian, gradient)
        size = 1.0
        while (tried := loss(scale - size * step[0], offset - size * step[1])) > current and size > 1e-6:  # noqa: PLR2004
            size /= 2
        scale, offset = float(scale - size * step[0]), float(offset - size * step[1])
        if current - tried <= 1e-12 * (1.0 + abs(current)):
            break
        current = tried
    return scale, offset


def _fit_shift(logits: Floats, weights: Floats, rate: float) -> float:
    """The offset at which the weighted mean probability is ``rate``, by bisection; 0 without rows."""
    if weights.sum() == 0.0:
        return 0.0
    low, high = -50.0, 50.0
    for _ in range(100):
        middle = (low + high) / 2
        mean = float((weights * sigmoid(logits + middle)).sum() / weights.sum())
        low, high = (middle, high) if mean < rate else (low, middle)
    return (low + high) / 2
