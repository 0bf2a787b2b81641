"""How training examples are drawn and weighted, and how models are judged on them."""

from dataclasses import dataclass
from typing import Annotated

from contracts.heads import BINARY_HEADS
from contracts.landing import ENGAGEMENT_TYPES
from contracts.settings.kinds import Bounds, Count, OneOf, Share

LIST_METRICS = ("ndcg@10", "ndcg@50", "mrr", "precision@10", "recall@10")
"""Metrics of one user's list; ``analysis/metrics/relevance.py`` has their formulas."""
GUARDS = (*LIST_METRICS, *(f"auc:{head}" for head in BINARY_HEADS))
"""Metrics that may guard a promotion."""


@dataclass(frozen=True)
class NegativeSampling:
    """Sampled exposures for a source without impressions (``docs/negatives.md``)."""

    per_positive: Annotated[int, Bounds(1, 1_000)] = 4
    posts_per_slot: Count = 1000


@dataclass(frozen=True)
class Propensities:
    """How propensities of positions are estimated, and how they weigh examples (``docs/propensities.md``).

    ``signals`` are the engagements that show that a post was looked at; an impression counts once. Neighbouring
    positions share an estimate until it has ``min_engaged`` engaged impressions; positions beyond ``deepest`` take the
    estimate of the deepest one. Regression EM reads at most about ``max_em_examples`` impressions of a surface, chosen
    by hash. ``max_weight`` clips 1 / propensity.
    """

    signals: Annotated[tuple[str, ...], OneOf(ENGAGEMENT_TYPES)] = ("like", "comment", "share", "click", "bookmark")
    min_engaged: Count = 100
    deepest: Annotated[int, Bounds(1, 10_000)] = 100
    max_em_examples: Count = 200_000
    max_weight: Annotated[float, Bounds(1, 1_000_000)] = 10.0


class TrainingMinimum:
    """The least data for training; with less, the simple score ranks the night (``docs/adr/0010``).

    ``POSITIVES`` counts likes, comments, shares, hides and reports of the training days. ``DAYS`` is the number of
    training days with examples, besides calibration days and held-out days.
    """

    POSITIVES = 20
    DAYS = 1


@dataclass(frozen=True)
class Evaluation:
    """Offline evaluation on the held-out days.

    A user is light from ``light_examples`` held-out examples, heavy from ``heavy_examples``, and new below both.
    The bootstrap draws ``resamples`` times from at most ``max_users`` users.
    """

    light_examples: Count = 5
    heavy_examples: Count = 20
    resamples: Annotated[int, Bounds(10, 1_000_000)] = 1000
    max_users: Count = 200_000
    calibration_bins: Annotated[int, Bounds(2, 1_000)] = 10


@dataclass(frozen=True)
class Promotion:
    """When a night's new heavy model serves (``docs/promotion.md``): it is compared with the one that served before.

    It is rejected if the 95 % interval of its gain on a ``guarded`` metric ends below minus ``tolerated_loss``. Both
    models are judged on the held-out examples of at most about ``max_users`` users.
    """

    guarded: Annotated[tuple[str, ...], OneOf(GUARDS)] = ("ndcg@10", "auc:like")
    tolerated_loss: Share = 0.002
    max_users: Count = 20_000
