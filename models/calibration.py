"""Per-head calibration on days that training never saw: what turns an output into a number one may multiply.

Two parameters per head, by maximum likelihood on a monotone curve:
binary heads ``p = sigmoid(scale * logit + offset)``, dwell ``seconds = exp(scale * output + offset)``.
``scale`` is above 0, so the order of a head is kept and no two scores become one.

A prior keeps rare heads near what the training days say: the curve of scale 1 that has the mean of the training rows.
It counts as many positive labels as that mean is worth (``Prior.worth``).
"""

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from contracts.metrics.columns import Floats, finite_columns

Method = Literal["logistic", "exponential"]
METHODS: dict[str, Method] = {"binary": "logistic", "seconds": "exponential"}
"""The curve of each kind of head."""

DAILY_DRIFT = 0.05
"""How far the mean of one day is expected to be from that of the days before, as a share of it."""
MIN_SCALE = 0.05
"""A head whose order says nothing keeps this much of its spread."""
LONGEST_LOG_S = float(np.log(86_400.0))
"""No output of a network becomes more than a day of dwell."""


@dataclass(frozen=True)
class HeadCalibration:
    """How one head's output becomes a probability, or seconds; ``scale`` is above 0.

    Raises ``ValueError`` for a method not known here.
    """

    method: Method
    scale: float
    offset: float

    def __post_init__(self) -> None:
        """Refuse what an older or newer version wrote."""
        if self.method not in METHODS.values():
            raise ValueError(f"unknown calibration {self.method!r}, known are {', '.join(METHODS.values())}")


@dataclass(frozen=True)
class Prior:
    """What the training rows say of a head: the mean of its label, and how many of how many rows have one."""

    mean: float
    num_positives: float
    num_rows: int

    @property
    def worth(self) -> float:
        """How many positive labels of another day ``mean`` is worth.

        It has a relative variance of 1 / positives by chance, and of ``DAILY_DRIFT`` squared because days differ.
        """
        return 1.0 / (1.0 / max(self.num_positives, 1.0) + DAILY_DRIFT**2)


def calibrate(calibration: HeadCalibration, outputs: NDArray[Any]) -> NDArray[Any]:
    """Probabilities of a binary head, or seconds of the dwell head, from the network's outputs; precision is kept."""
    return _curve(calibration.method, calibration.scale * outputs + calibration.offset)


def fit(method: Method, outputs: Floats, targets: Floats, prior: Prior) -> HeadCalibration:
    """The most likely curve given labels and prior; without rows, the network's own output.

    ``outputs`` and ``targets`` are ``(n,)``: logits and labels, or log1p of seconds and seconds. A target may exceed 1.
    Raises ``ValueError`` for unequal lengths and values that are not finite.
    """
    outputs, targets = finite_columns(outputs=outputs, targets=targets)
    if len(outputs) == 0:
        return HeadCalibration(method, 1.0, 0.0)
    believed = _curve(method, outputs + _shift(method, outputs, prior.mean))
    share = prior.worth * prior.num_rows / (max(prior.num_positives, 1.0) * len(outputs))
    targets = (targets + share * believed) / (1.0 + share)
    scale, offset = _most_likely(method, outputs, targets, 1.0 + share)
    if scale < MIN_SCALE:
        return HeadCalibration(method, MIN_SCALE, _shift(method, MIN_SCALE * outputs, float(targets.mean())))
    return HeadCalibration(method, scale, offset)


def sigmoid(logits: NDArray[Any]) -> NDArray[Any]:
    """Logistic function without overflow, in the precision of its input."""
    positive = np.exp(-np.abs(logits))
    probabilities: NDArray[Any] = np.where(logits >= 0, 1, positive) / (1 + positive)
    return probabilities


def _curve(method: Method, z: NDArray[Any]) -> NDArray[Any]:
    if method == "logistic":
        return sigmoid(z)
    seconds: NDArray[Any] = np.exp(np.minimum(z, LONGEST_LOG_S))
    return seconds


def _most_likely(method: Method, outputs: Floats, targets: Floats, weight: float) -> tuple[float, float]:
    """Scale and offset: Newton's method with step halving, where every row counts ``weight`` times.

    The loss is that of a Bernoulli or a Poisson variable, whose gradients are plain residuals, so that the mean
    prediction becomes the mean target. A unit-variance prior holds the scale near 1 where outputs do not differ.
    Source: Platt, Probabilistic outputs for support vector machines (1999); Lin, Lin, Weng (2007) for the steps.
    """
    scale, offset = 1.0, _shift(method, outputs, float(targets.mean()))

    def loss(a: float, b: float) -> float:
        z = a * outputs + b
        with np.errstate(over="ignore"):  # a step that is too long, and is halved
            partition = np.logaddexp(0.0, z) if method == "logistic" else np.exp(z)
        return weight * float((partition - targets * z).sum()) + (a - 1.0) ** 2 / 2

    current = loss(scale, offset)
    for _ in range(100):
        predicted = _curve(method, scale * outputs + offset)
        residual = weight * (predicted - targets)
        curvature = weight * predicted * (1.0 - predicted if method == "logistic" else 1.0)
        gradient = np.array([(residual * outputs).sum() + scale - 1.0, residual.sum()])
        cross = (curvature * outputs).sum()
        hessian = np.array([[(curvature * outputs**2).sum() + 1.0, cross], [cross, curvature.sum() + 1e-9]])
        step = np.linalg.solve(hessian, gradient)
        size = 1.0
        while not (tried := loss(scale - size * step[0], offset - size * step[1])) <= current and size > 1e-6:  # noqa: PLR2004
            size /= 2
        scale, offset = float(scale - size * step[0]), float(offset - size * step[1])
        if current - tried <= 1e-12 * (1.0 + abs(current)):
            break
        current = tried
    return scale, offset


def _shift(method: Method, outputs: Floats, mean: float) -> float:
    """The offset at which the mean prediction of the rows is ``mean``, by bisection."""
    low, high = -50.0 - float(outputs.max()), 50.0 - float(outputs.min())
    for _ in range(100):
        middle = (low + high) / 2
        low, high = (middle, high) if float(_curve(method, outputs + middle).mean()) < mean else (low, middle)
    return (low + high) / 2
