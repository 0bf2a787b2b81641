"""How training examples are drawn and weighted, and models judged on them."""

from dataclasses import dataclass


@dataclass(frozen=True)
class NegativeSampling:
    """Sampled exposures for a source without impressions (``docs/negatives.md``)."""

    per_positive: int = 4
    posts_per_slot: int = 1000


@dataclass(frozen=True)
class Propensities:
    """How examination by position is estimated, and how it weighs examples (``docs/propensities.md``).

    ``signals`` are the engagements that show that a post was looked at; any of them counts once. Positions share an
    estimate until it rests on ``min_engaged`` engaged impressions; beyond ``deepest`` they take the deepest one.
    Regression EM reads at most about ``max_em_examples`` impressions of a surface, chosen by hash.
    ``max_weight`` clips 1 / examined.
    """

    signals: tuple[str, ...] = ("like", "comment", "share", "click", "bookmark")
    min_engaged: int = 100
    deepest: int = 100
    max_em_examples: int = 200_000
    max_weight: float = 10.0


class TrainingMinimum:
    """With less than this there is no model, and the simple score ranks the night (``docs/adr/0010``).

    ``POSITIVES`` counts likes, comments, shares, hides and reports of the days that train. ``DAYS`` with examples must
    be left to train on, beside those that calibrate and those that are held out.
    """

    POSITIVES = 20
    DAYS = 1


@dataclass(frozen=True)
class Evaluation:
    """Offline evaluation on the held-out days.

    A user is light from ``light_examples`` held-out examples, heavy from ``heavy_examples``, and new below both.
    The bootstrap draws ``resamples`` times from at most ``max_users`` users.
    """

    light_examples: int = 5
    heavy_examples: int = 20
    resamples: int = 1000
    max_users: int = 200_000
    calibration_bins: int = 10
