"""Value of a policy from logged whole feeds: with no assumption, and under the cascade model.

The cascade model: the reward of a position depends on the items there and above it, not on those below. Then a
position's weight is the product of the ratios down to it, ``w_k = Π_{j≤k} target_j / logged_j``, instead of that of
the whole feed. The value of a feed is the sum of its positions' rewards; multiply them by discounts beforehand.
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
class FeedLog:
    """Logged feeds of at most ``k`` positions; the first three columns are ``(n, k)``, ``clusters`` is ``(n,)``.

    ``logged`` and ``target`` are the probabilities of the item at each position, given those above it, under the policy
    that made the log and under the one to be valued. A shorter feed ends with rewards 0 and probabilities 1. Feeds of
    one of the ``clusters`` may depend on each other, by default none: give the user. Raises ``ValueError`` with the
    reason for a log that cannot be used.
    """

    rewards: Floats
    logged: Floats
    target: Floats
    clusters: NDArray[Any] | None = None

    def __post_init__(self) -> None:
        """Refuse a log that cannot be used."""
        check_log(self.rewards, self.logged, self.target, self.cluster_of, num_axes=2)
        is_shown = self.weights.any(axis=0)
        if not is_shown.all():
            position = int(is_shown.argmin()) + 1
            raise ValueError(f"the target policy shows none of the logged feeds down to position {position}")

    @property
    def cluster_of(self) -> NDArray[Any]:
        """Cluster of each feed."""
        return np.arange(len(self.rewards)) if self.clusters is None else self.clusters

    @property
    def weights(self) -> Floats:
        """Importance weight of each feed down to each position, ``(n, k)``."""
        return np.asarray(np.cumprod(self.target / self.logged, axis=1), dtype=np.float64)


def feed_ips(log: FeedLog) -> Estimate:
    """Mean of the whole feed's weight times its reward: unbiased for any user, and very noisy for long feeds.

    Source: Precup, Sutton and Singh, "Eligibility Traces for Off-Policy Policy Evaluation", ICML 2000 (per trajectory).
    """
    weights = log.weights[:, -1:]
    return summarise("feed_ips", (weights * log.rewards).sum(axis=1), weights, log.cluster_of)


def cascade_ips(log: FeedLog) -> Estimate:
    """Mean of ``Σ_k w_k r_k``: unbiased under the cascade model.

    Source: McInerney, Brost, Chandar, Mehrotra and Carterette, "Counterfactual Evaluation of Slate Recommendations with
    Sequential Reward Interactions", KDD 2020 (RIPS, before normalisation).
    """
    return summarise("cascade_ips", (log.weights * log.rewards).sum(axis=1), log.weights, log.cluster_of)


def cascade_self_normalised(log: FeedLog) -> Estimate:
    """``Σ_k (Σ w_k r_k / Σ w_k)``: cascade IPS, each position normalised by its own weights.

    Biased by the order of 1/n. Source: as ``cascade_ips``; its error is that of a sum of ratios (delta method).
    """
    weights = log.weights / log.weights.mean(axis=0)
    values = (weights * log.rewards).mean(axis=0)
    terms = values.sum() + (weights * (log.rewards - values)).sum(axis=1)
    return summarise("cascade_self_normalised", terms, log.weights, log.cluster_of)


def cascade_doubly_robust(log: FeedLog, predicted: Predicted) -> Estimate:
    """Mean of ``Σ_k w_{k-1} q_k(target) + w_k (r_k - q_k(logged))``, ``w_0 = 1``: unbiased under the cascade model.

    ``q_k``, ``(n, k)``, is what the model expects of position k and all below it, given the items above. Less noisy
    than cascade IPS by as much as the model explains. Source: Kiyohara, Saito, Matsuhiro, Narita, Shimizu and Yamamoto,
    "Doubly Robust Off-Policy Evaluation for Ranking Policies under the Cascade Behavior Model", WSDM 2022.
    """
    predicted.check(log.rewards)
    before = np.hstack([np.ones((len(log.rewards), 1)), log.weights[:, :-1]])
    terms = before * predicted.of_target + log.weights * (log.rewards - predicted.of_logged)
    return summarise("cascade_doubly_robust", terms.sum(axis=1), log.weights, log.cluster_of)
