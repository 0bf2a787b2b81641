"""What another policy would have earned, from a log whose propensities are known.

Each logged decision carries the probability with which the logging policy made it; weighting its reward by the target
policy's probability over that one estimates the target's mean reward per decision (Horvitz and Thompson 1952;
self-normalised: Swaminathan and Joachims, "The Self-Normalized Estimator for Counterfactual Learning", NIPS 2015).
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Estimate:
    """Mean reward per decision with its standard error; ``effective_size`` is (Σw)² / Σw², at most the log's length."""

    value: float
    standard_error: float
    effective_size: float


def importance_weights(target: Floats, logged: Floats) -> Floats:
    """Probability of each logged decision under the target policy over that under the logging one, ``(n,)``.

    Raises ``ValueError`` for a decision that the log says could not be made, or whose probabilities are none.
    """
    if not (np.all(logged > 0) and np.all(logged <= 1)):
        raise ValueError("a logged propensity is not in (0, 1]: what was shown had a chance of being shown")
    if not (np.all(target >= 0) and np.all(target <= 1)):
        raise ValueError("a target probability is not in [0, 1]")
    return np.asarray(target / logged, dtype=np.float64)


def ips(rewards: Floats, weights: Floats) -> Estimate:
    """Inverse-propensity estimate, mean of ``weights · rewards``: unbiased, and as noisy as its largest weights."""
    terms = weights * rewards
    return Estimate(float(terms.mean()), float(terms.std(ddof=1) / np.sqrt(len(terms))), effective_size(weights))


def snips(rewards: Floats, weights: Floats) -> Estimate:
    """Self-normalised estimate, Σ ``weights · rewards`` / Σ ``weights``: a little biased, much less noisy.

    It stays within the rewards' range and moves with them by a constant. The error is the ratio estimator's (delta
    method). Raises ``ValueError`` where the target policy makes none of the logged decisions.
    """
    total = float(weights.sum())
    if total == 0.0:
        raise ValueError("the target policy makes none of the logged decisions: the log says nothing about it")
    value = float(weights @ rewards) / total
    residuals = weights * (rewards - value)
    return Estimate(value, float(np.sqrt(residuals @ residuals)) / total, effective_size(weights))


def effective_size(weights: Floats) -> float:
    """How many equally weighted decisions would be as good, (Σw)² / Σw²; 0 where all weights are 0."""
    squares = float(weights @ weights)
    return float(weights.sum()) ** 2 / squares if squares else 0.0
