"""Value of a policy from logged single decisions, such as a post in one slot: three estimators.

A decision's weight is its probability under the target policy over its logged propensity.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from analysis.off_policy.checks import check_log
from analysis.off_policy.estimates import Estimate, summarise
from analysis.off_policy.predicted import Predicted
from contracts.metrics.columns import Floats


@dataclass(frozen=True)
class DecisionLog:
    """Logged decisions; every column is ``(n,)``.

    ``logged`` and ``target`` are the probabilities of the logged action under the policy that made the log and under
    the one to be valued. Decisions of one of the ``clusters`` may depend on each other, by default none: give the user.
    Raises ``ValueError`` with the reason for a log that cannot be used.
    """

    rewards: Floats
    logged: Floats
    target: Floats
    clusters: NDArray[Any] | None = None

    def __post_init__(self) -> None:
        """Refuse a log that cannot be used."""
        check_log(self.rewards, self.logged, self.target, self.cluster_of, num_axes=1)
        if not self.target.any():
            raise ValueError("the target policy makes none of the logged decisions: the log says nothing about it")

    @property
    def cluster_of(self) -> NDArray[Any]:
        """Cluster of each decision."""
        return np.arange(len(self.rewards)) if self.clusters is None else self.clusters

    @property
    def weights(self) -> Floats:
        """Importance weight of each decision."""
        return self.target / self.logged


def ips(log: DecisionLog) -> Estimate:
    """Inverse propensity scoring, the mean of ``w · r``: unbiased, and as noisy as its largest weights.

    Source: Horvitz and Thompson, "A Generalization of Sampling Without Replacement", JASA 1952.
    """
    return _summarise("ips", log.weights * log.rewards, log)


def self_normalised(log: DecisionLog) -> Estimate:
    """``Σ w r / Σ w``: biased by the order of 1/n, and much less noisy where rewards are far from 0.

    It stays within the rewards' range and moves with them by a constant. Its error is the ratio's (delta method).
    Source: Swaminathan and Joachims, "The Self-Normalized Estimator for Counterfactual Learning", NIPS 2015.
    """
    weights = log.weights / log.weights.mean()
    value = float((weights * log.rewards).mean())
    return _summarise("self_normalised", value + weights * (log.rewards - value), log)


def doubly_robust(log: DecisionLog, predicted: Predicted) -> Estimate:
    """Mean of ``q(target) + w · (r - q(logged))``: unbiased where the propensities or the model's rewards are right.

    Less noisy than IPS by as much as the model explains.
    Source: Dudík, Langford and Li, "Doubly Robust Policy Evaluation and Learning", ICML 2011.
    """
    predicted.check(log.rewards)
    return _summarise("doubly_robust", predicted.of_target + log.weights * (log.rewards - predicted.of_logged), log)


def _summarise(name: str, terms: Floats, log: DecisionLog) -> Estimate:
    return summarise(name, terms, log.weights[:, None], log.cluster_of)
