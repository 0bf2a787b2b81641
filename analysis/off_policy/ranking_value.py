"""Value of a ranking that nobody has seen yet, from a log of other rankings.

Position-based model, as in ``analysis/position_bias.py``: a post at position k is engaged with as often as that
position is examined, times its relevance. How relevant posts are is learned from the log in strata of what the ranker
predicts of them, each impression counting 1 / examined; the ranking is valued by its own strata at its own positions:

    value = mean over its places of  examined(place) · relevance(stratum of the post)

So the ranker's numbers need not be calibrated, they only have to sort: within a stratum the log says what happened.
After Li, Abbasi-Yadkori, Kveton, Muthukrishnan, Vinay and Wen, "Offline Evaluation of Ranking Policies with Click
Models", KDD 2018.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from analysis.off_policy.checks import check_finite
from analysis.off_policy.estimates import Estimate, summarise
from contracts.metrics.columns import Floats

NUM_STRATA = 20


@dataclass(frozen=True)
class SeenLog:
    """Impressions; every column is ``(n,)``.

    ``rewards`` is 1 where the viewer engaged, ``predicted`` what the ranker that is valued expects of the pair,
    ``examined`` how often the position is looked at relative to the first. ``clusters`` are the viewers.
    Raises ``ValueError`` for a log that cannot be used, and says why.
    """

    rewards: Floats
    predicted: Floats
    examined: Floats
    clusters: NDArray[Any]

    def __post_init__(self) -> None:
        """Refuse a log that cannot be used."""
        if not self.rewards.shape == self.predicted.shape == self.examined.shape == self.clusters.shape:
            raise ValueError("the columns of a log must be equally long")
        if len(np.unique(self.clusters)) < 2:  # noqa: PLR2004 - spread takes two
            raise ValueError("the log holds fewer than two viewers: nothing tells how far chance moves its value")
        for name in ("rewards", "predicted", "examined"):
            check_finite(name, getattr(self, name))
        if not ((self.examined > 0) & (self.examined <= 1)).all():
            raise ValueError("a position is examined with a probability in (0, 1]")


def value_of_ranking(log: SeenLog, predicted: Floats, examined: Floats) -> Estimate:
    """Mean engagement per place of a ranking whose ``m`` places are ``predicted`` and ``examined``, each ``(m,)``.

    The interval covers the log's chance; what the people who see the ranking do has its own. Raises ``ValueError``
    without places.
    """
    if not 0 < len(predicted) == len(examined):
        raise ValueError("a ranking has places, each with a prediction and an examination")
    check_finite("predicted", predicted)
    check_finite("examined", examined)
    edges = np.unique(np.quantile(log.predicted, np.linspace(0, 1, NUM_STRATA + 1)[1:-1]))
    stratum, num_strata = np.searchsorted(edges, log.predicted, side="right"), len(edges) + 1
    num_logged = np.bincount(stratum, minlength=num_strata)
    # Equal predictions can leave a stratum empty: its places count as the next lower one.
    filled = np.maximum.accumulate(np.where(num_logged > 0, np.arange(num_strata), int((num_logged > 0).argmax())))
    of_place = filled[np.searchsorted(edges, predicted, side="right")]
    looks = np.bincount(of_place, weights=examined, minlength=num_strata) / len(predicted)
    worth = log.rewards / log.examined
    relevance = np.bincount(stratum, weights=worth, minlength=num_strata) / np.maximum(num_logged, 1)
    value = float(looks @ relevance)
    share = looks * len(worth) / np.maximum(num_logged, 1)
    weights = share[stratum] / log.examined
    terms = value + share[stratum] * (worth - relevance[stratum])
    return summarise("position_based", terms, (weights / weights.mean())[:, None], log.clusters)
