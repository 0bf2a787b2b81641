"""Value of a ranking that nobody has seen yet, from a log of other rankings.

Position-based model, as in ``analysis/position_bias.py``: a post at position k is engaged with as often as that
position is examined, times its relevance. Relevance is estimated from the log, where each impression counts 1 /
examined, in strata of similar posts: the same kind of tie between viewer and author, and about the same prediction. The
ranking is valued by its own strata at its own positions:

    value = mean over its places of  examined(place) · relevance(stratum of the post)

So the ranker's predictions need not be calibrated, they only have to sort: within a stratum the log gives the outcome.
After Li, Abbasi-Yadkori, Kveton, Muthukrishnan, Vinay and Wen, "Offline Evaluation of Ranking Policies with Click
Models", KDD 2018.
"""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from analysis.off_policy.checks import check_finite
from analysis.off_policy.estimates import Estimate, summarise
from contracts.metrics.columns import Floats

Ints = NDArray[np.integer[Any]]

NUM_STRATA = 10
"""Of each kind."""
MAX_MOVED = 0.3
"""Largest share of places in other strata than the log's impressions, above which the estimate carries a warning."""


@dataclass(frozen=True)
class SeenLog:
    """Impressions; every column is ``(n,)``.

    ``rewards`` is 1 where the viewer engaged, ``predicted`` the prediction of the ranker that is valued, ``examined``
    how often the position is looked at relative to the first. ``clusters`` are the viewers. ``kinds`` numbers the kind
    of tie between viewer and post: only posts of one kind are compared. Raises ``ValueError`` with the reason for a log
    that cannot be used.
    """

    rewards: Floats
    predicted: Floats
    examined: Floats
    clusters: NDArray[Any]
    kinds: Ints

    def __post_init__(self) -> None:
        """Refuse a log that cannot be used."""
        if len({column.shape for column in vars(self).values()}) > 1:
            raise ValueError("the columns of a log must be equally long")
        if len(np.unique(self.clusters)) < 2:  # noqa: PLR2004 - spread takes two
            raise ValueError("the log holds fewer than two viewers: nothing tells how far chance moves its value")
        for name in ("rewards", "predicted", "examined"):
            check_finite(name, getattr(self, name))
        if not ((self.examined > 0) & (self.examined <= 1)).all():
            raise ValueError("a position is examined with a probability in (0, 1]")


def value_of_ranking(log: SeenLog, predicted: Floats, examined: Floats, kinds: Ints) -> Estimate:
    """Mean engagement per place of a ranking whose ``m`` places have these columns, each ``(m,)``, as in the log.

    The interval covers the sampling error of the log, not the chance in what people do who see the ranking. Raises
    ``ValueError`` without places.
    """
    if not 0 < len(predicted) == len(examined) == len(kinds):
        raise ValueError("a ranking has places, each with a prediction, an examination and a kind")
    check_finite("predicted", predicted)
    check_finite("examined", examined)
    stratum, of_place = strata(log.kinds, log.predicted, kinds, predicted)
    num_strata = int(stratum.max()) + 1
    num_logged = np.bincount(stratum, minlength=num_strata)
    looks = np.bincount(of_place, weights=examined, minlength=num_strata) / len(predicted)
    worth = log.rewards / log.examined
    relevance = np.bincount(stratum, weights=worth, minlength=num_strata) / num_logged
    value = float(looks @ relevance)
    share = looks * len(worth) / num_logged
    weights = share[stratum] / log.examined
    terms = value + share[stratum] * (worth - relevance[stratum])
    estimate = summarise("position_based", terms, (weights / weights.mean())[:, None], log.clusters)
    moved = np.abs(np.bincount(of_place, minlength=num_strata) / len(predicted) - num_logged / len(worth)).sum() / 2
    return replace(estimate, warnings=(*estimate.warnings, *_warn_of_moved(float(moved))))


def strata(log_kinds: Ints, log_predicted: Floats, kinds: Ints, predicted: Floats) -> tuple[Ints, Ints]:
    """Stratum of each impression, numbered without gaps, and of each place: equal parts of the log of each kind.

    A place of a kind that the log lacks counts as one of the log's lowest kind.
    """
    known = np.unique(log_kinds)
    compared_kinds = np.where(np.isin(kinds, known), kinds, known[0])
    stratum, of_place = np.zeros(len(log_kinds), dtype=np.int64), np.zeros(len(kinds), dtype=np.int64)
    first = 0
    for kind in known:
        is_logged, is_placed = log_kinds == kind, compared_kinds == kind
        edges = np.unique(np.quantile(log_predicted[is_logged], np.linspace(0, 1, NUM_STRATA + 1)[1:-1]))
        filled, number = np.unique(np.searchsorted(edges, log_predicted[is_logged], side="right"), return_inverse=True)
        stratum[is_logged] = first + number
        # Equal predictions can leave a part empty: its places count for the next lower part.
        part = np.searchsorted(edges, predicted[is_placed], side="right")
        of_place[is_placed] = first + np.maximum(np.searchsorted(filled, part, side="right") - 1, 0)
        first += len(filled)
    return stratum, of_place


def _warn_of_moved(moved: float) -> tuple[str, ...]:
    """Warn that the ranker chose among many more posts than the log did: the best of many predictions are too high."""
    if moved <= MAX_MOVED:
        return ()
    moved_share = f"{moved:.0%} of the ranking's places would have to change to be predicted as the log's posts are"
    return (f"{moved_share}: others chose the log, and the best of many predictions are too hopeful",)
