"""Per-head calibration on days without training: turns outputs into probabilities and seconds.

One monotone curve per head, by maximum likelihood: ``p = sigmoid(z)`` for binary heads, ``seconds = exp(z)`` for dwell,
where ``z = scale * x + bend * sqrt((x - middle)^2 + 1) + offset``. Its slope in x goes from ``scale - bend`` below
``middle`` to ``scale + bend`` above. Both are above 0, so the order of a head is kept and no two scores become one.

A prior keeps rare heads near the training days: the curve of scale 1 without a bend that has the mean of the training
rows. It weighs as many positive labels as that mean is worth (``Prior.worth``).
``docs/adr/0020-calibration-is-a-monotone-curve-per-head.md`` has the measurements.
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
"""Expected relative deviation of a day's mean from that of the days before."""
MIN_SLOPE = 0.05
"""Least slope of a curve: a head whose order is uninformative keeps this much of its spread."""
LONGEST_LOG_S = float(np.log(86_400.0))
"""Log of the largest dwell: one day."""


@dataclass(frozen=True)
class HeadCalibration:
    """The curve from one head's output to a probability, or seconds.

    Raises ``ValueError`` for an unknown method and for a curve that is not monotone.
    """

    method: Method
    scale: float
    offset: float
    bend: float = 0.0
    middle: float = 0.0

    def __post_init__(self) -> None:
        """Refuse a method of another version, and a curve that would change the order of a head."""
        if self.method not in METHODS.values():
            raise ValueError(f"unknown calibration {self.method!r}, known are {', '.join(METHODS.values())}")
        if not self.least_slope > 0:
            raise ValueError(f"scale {self.scale} does not exceed the size of bend {self.bend}: order would change")

    @property
    def least_slope(self) -> float:
        """A lower bound of the curve's slope."""
        return self.scale - abs(self.bend)


@dataclass(frozen=True)
class Prior:
    """A head's label on the training rows: its mean, and the numbers of positive and of all rows."""

    mean: float
    num_positives: float
    num_rows: int

    @property
    def worth(self) -> float:
        """Number of positive labels of another day that ``mean`` is worth.

        It has a relative variance of 1 / positives by chance, and of ``DAILY_DRIFT`` squared because days differ.
        """
        return 1.0 / (1.0 / max(self.num_positives, 1.0) + DAILY_DRIFT**2)


def calibrate(calibration: HeadCalibration, outputs: NDArray[Any]) -> NDArray[Any]:
    """Probabilities of a binary head, or seconds of the dwell head, from the network's outputs; precision is kept."""
    bent = np.sqrt((outputs - calibration.middle) ** 2 + 1)
    z = calibration.scale * outputs + calibration.bend * bent + calibration.offset
    return _curve(calibration.method, z)


def fit(method: Method, outputs: Floats, targets: Floats, prior: Prior) -> HeadCalibration:
    """The most likely curve given labels and prior; without rows, the network's own output.

    ``outputs`` and ``targets`` are ``(n,)``: logits and labels, or log1p of seconds and seconds. A target may exceed 1.
    If the best curve is not monotone, the result is the best curve without a bend; if that one falls, the flattest.
    Raises ``ValueError`` for unequal lengths and values that are not finite.
    """
    outputs, targets = finite_columns(outputs=outputs, targets=targets)
    if len(outputs) == 0:
        return HeadCalibration(method, 1.0, 0.0)
    believed = _curve(method, outputs + _shift(method, outputs, prior.mean))
    share = prior.worth * prior.num_rows / (max(prior.num_positives, 1.0) * len(outputs))
    targets, weight = (targets + share * believed) / (1.0 + share), 1.0 + share
    middle = float(np.average(outputs, weights=believed))  # where labels are, not where rows are
    columns = np.stack([np.ones(len(outputs)), outputs, np.sqrt((outputs - middle) ** 2 + 1)])
    offset, scale, bend = _most_likely(method, columns, targets, weight)
    if scale - abs(bend) < MIN_SLOPE:
        (offset, scale), bend, middle = _most_likely(method, columns[:2], targets, weight), 0.0, 0.0
    if scale < MIN_SLOPE:
        scale, offset = MIN_SLOPE, _shift(method, MIN_SLOPE * outputs, float(targets.mean()))
    return HeadCalibration(method, scale, offset, bend, middle)


def sigmoid(logits: NDArray[Any]) -> NDArray[Any]:
    """Logistic function, in the precision of its input."""
    with np.errstate(over="ignore"):  # 1 / infinity is the 0 that it should be
        probabilities: NDArray[Any] = 1 / (1 + np.exp(-logits))
    return probabilities


def _curve(method: Method, z: NDArray[Any]) -> NDArray[Any]:
    if method == "logistic":
        return sigmoid(z)
    seconds: NDArray[Any] = np.exp(np.minimum(z, LONGEST_LOG_S))
    return seconds


def _most_likely(method: Method, columns: Floats, targets: Floats, weight: float) -> list[float]:
    """Coefficients of the ``columns``, (c, n): ones, outputs and what else; every row counts ``weight`` times.

    Newton's method with step halving. The loss is that of a Bernoulli or a Poisson variable, whose gradients are plain
    residuals, so that the mean prediction becomes the mean target. A prior of unit variance holds the coefficients but
    the first near 1, 0, ..., where outputs do not differ.
    Source: Platt, Probabilistic outputs for support vector machines (1999); Lin, Lin, Weng (2007) for the steps.
    """
    ridge = np.array([0.0, *np.ones(len(columns) - 1)])
    start = np.array([_shift(method, columns[1], float(targets.mean())), 1.0, *np.zeros(len(columns) - 2)])
    held = start.copy()

    def loss(tried: Floats) -> float:
        z = tried @ columns
        with np.errstate(over="ignore"):  # a step that is too long, and is halved
            partition = np.logaddexp(0.0, z) if method == "logistic" else np.exp(z)
        return weight * float((partition - targets * z).sum()) + float((ridge * (tried - held) ** 2).sum()) / 2

    fitted, current = start, loss(start)
    for _ in range(100):
        predicted = _curve(method, fitted @ columns)
        curvature = weight * predicted * (1.0 - predicted if method == "logistic" else 1.0)
        gradient = weight * columns @ (predicted - targets) + ridge * (fitted - held)
        step = np.linalg.solve((columns * curvature) @ columns.T + np.diag(ridge + 1e-9), gradient)
        while not (tried := loss(fitted - step)) <= current and np.abs(step).max() > 1e-9:  # noqa: PLR2004
            step /= 2
        fitted = fitted - step
        if current - tried <= 1e-12 * (1.0 + abs(current)):
            break
        current = tried
    return [float(value) for value in fitted]


def _shift(method: Method, outputs: Floats, mean: float) -> float:
    """The offset at which the mean prediction of the rows is ``mean``, by bisection."""
    low, high = -50.0 - float(outputs.max()), 50.0 - float(outputs.min())
    for _ in range(100):
        middle = (low + high) / 2
        low, high = (middle, high) if float(_curve(method, outputs + middle).mean()) < mean else (low, middle)
    return (low + high) / 2
