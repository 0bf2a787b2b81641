"""Champion against challenger: figures of both on the same held-out rows, and whether the challenger is clearly worse.

Gains of a list are the rows' grades times their weight, 1 / examined: one of the two ordered the log, and without
weights a model would gain by guessing where a post was.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from analysis.metrics.bootstrap import Interval, bootstrap, pooled
from analysis.metrics.grouped_auc import grouped_auc
from analysis.metrics.ranking import rank_lists
from analysis.metrics.relevance import METRICS, MIN_EXAMPLES, grades_of
from contracts.heads import BINARY_HEADS, HEADS, RELEVANT_HEADS
from contracts.metrics.auc import auc, auc_of_weights
from contracts.metrics.calibration import bins_of_rows, calibration_error
from contracts.metrics.columns import Floats
from contracts.metrics.log_loss import log_loss
from contracts.metrics.position import at_average_place

SIDES = ("challenger", "baseline", "difference")
MIN_USERS = 2
"""The interval of one user has no width."""

Figure = dict[str, dict[str, float]] | None
"""``mean``, ``low`` and ``high`` of each of ``SIDES``; None where the metric is undefined."""


@dataclass(frozen=True)
class ScoredRows:
    """Held-out rows under one scorer, user by user; all ``(n,)``.

    ``labels`` are by label column; ``predictions`` by head, empty for a scorer that predicts no head.
    """

    users: NDArray[Any]
    posts: NDArray[Any]
    value: Floats
    weight: Floats
    labels: Mapping[str, Floats]
    predictions: Mapping[str, Floats]

    @property
    def is_finite(self) -> bool:
        """Whether every score is a number."""
        return all(bool(np.isfinite(scores).all()) for scores in (self.value, *self.predictions.values()))

    def order_by(self, head: str) -> Floats | None:
        """The order of rows by a head: its prediction; without one, the value if the head is a positive engagement."""
        is_welcome = any(item.name == head for item in RELEVANT_HEADS)
        return self.predictions.get(head, self.value if is_welcome else None)


@dataclass(frozen=True)
class Comparison:
    """Figures of both sides. ``num_users`` have a list that counts: two rows, one of them relevant.

    ``metrics`` has the metrics of lists and the guarded AUCs, ``heads`` other figures of heads, by metric, head and
    side.
    """

    num_users: int
    num_examples: int
    metrics: dict[str, Figure]
    heads: dict[str, dict[str, dict[str, float | None]]]


def compare(
    challenger: ScoredRows, baseline: ScoredRows, guarded: Sequence[str], *, resamples: int, num_bins: int, seed: int
) -> Comparison:
    """Compare two scorers of the same rows; intervals draw whole users, the same ones for both sides.

    Raises ``ValueError`` where the rows are not those of the same users, and for scores that are not finite.
    """
    if not np.array_equal(challenger.users, baseline.users):
        raise ValueError("challenger and baseline were not scored on the same rows")
    ours, theirs = _lists(challenger), _lists(baseline)
    num_users = len(next(iter(ours.values())))
    metrics: dict[str, Figure] = dict.fromkeys(METRICS)
    if num_users >= MIN_USERS:
        columns = [side for name in METRICS for side in (ours[name], theirs[name], ours[name] - theirs[name])]
        intervals = np.stack(bootstrap(np.stack(columns, axis=1), resamples, seed), axis=1).tolist()
        triples = (intervals[at : at + len(SIDES)] for at in range(0, len(intervals), len(SIDES)))
        metrics |= {name: _figure(triple) for name, triple in zip(METRICS, triples, strict=True)}
    for name in guarded:
        if name not in METRICS:
            metrics[name] = _auc_figure(challenger, baseline, name.removeprefix("auc:"), resamples, seed)
    heads = _heads({"challenger": challenger, "baseline": baseline}, num_bins)
    return Comparison(num_users, len(challenger.users), metrics, heads)


def losses(comparison: Comparison, guarded: Sequence[str], tolerated: float) -> list[str] | None:
    """The guarded metrics on which the challenger is clearly worse; None if none of them is defined.

    Clearly worse: the interval of its gain ends below minus ``tolerated``.
    """
    defined = {name: figure for name in guarded if (figure := comparison.metrics[name]) is not None}
    if not defined:
        return None
    return [name for name, figure in defined.items() if figure["difference"]["high"] < -tolerated]


def _lists(rows: ScoredRows) -> dict[str, Floats]:
    """Each metric of each user that counts, in order of users; gains are multiplied by the weight of the example."""
    gains = grades_of(rows.labels) * rows.weight
    lists = rank_lists(rows.users, rows.value, rows.posts, gains)
    counts = (lists.sizes >= MIN_EXAMPLES) & (lists.num_relevant > 0)
    return {name: measured(lists)[counts] for name, measured in METRICS.items()}


def _auc_figure(challenger: ScoredRows, baseline: ScoredRows, head: str, resamples: int, seed: int) -> Figure:
    column = next(item.label_column for item in HEADS if item.name == head)
    first, second = challenger.order_by(head), baseline.order_by(head)
    if first is None or second is None or len(np.unique(challenger.users)) < MIN_USERS:
        return None
    ours = auc_of_weights(first, challenger.labels[column] > 0)
    theirs = auc_of_weights(second, baseline.labels[column] > 0)

    def gained(weights: Floats) -> float | None:
        one, other = ours(weights), theirs(weights)
        return None if one is None or other is None else one - other

    def interval(statistic: Callable[[Floats], float | None]) -> Interval:
        return pooled(challenger.users, statistic, resamples, seed)

    try:
        intervals = [interval(statistic) for statistic in (ours, theirs, gained)]
    except ValueError:  # one class only, in the rows or in most draws
        return None
    return _figure([[one.value, one.low, one.high] for one in intervals])


def _figure(triples: Sequence[Sequence[float]]) -> dict[str, dict[str, float]]:
    return {
        side: dict(zip(("mean", "low", "high"), triple, strict=True))
        for side, triple in zip(SIDES, triples, strict=True)
    }


def _heads(sides: Mapping[str, ScoredRows], num_bins: int) -> dict[str, dict[str, dict[str, float | None]]]:
    """AUC, AUC within users, log loss and calibration error of each binary head and side; null where undefined.

    Calibration is compared with labels at the average place, the others with labels as logged.
    """
    metrics: dict[str, dict[str, dict[str, float | None]]] = {
        name: {head: {} for head in BINARY_HEADS} for name in ("auc", "grouped_auc", "log_loss", "ece")
    }
    for side, rows in sides.items():
        for item in HEADS:
            if not item.is_binary:
                continue
            label, order = rows.labels[item.label_column] > 0, rows.order_by(item.name)
            observed = at_average_place(label, rows.weight)
            predicted = rows.predictions.get(item.name)
            metrics["auc"][item.name][side] = None if order is None else auc(order, label)
            metrics["grouped_auc"][item.name][side] = None if order is None else grouped_auc(rows.users, order, label)
            metrics["log_loss"][item.name][side] = None if predicted is None else log_loss(predicted, label)
            bins = None if predicted is None else bins_of_rows(predicted, observed, num_bins)
            metrics["ece"][item.name][side] = None if bins is None else calibration_error(bins)
    return metrics
