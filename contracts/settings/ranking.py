"""Settings of value, candidates, policy and pools."""

from dataclasses import dataclass
from typing import Annotated

from contracts.settings.kinds import (
    Bounds,
    Count,
    CountOrNone,
    Days,
    DaysOrNone,
    Decay,
    Gain,
    Hours,
    InnerShare,
    Loss,
    Share,
)


@dataclass(frozen=True)
class ValueWeights:
    """Expected value per impression: weight per head, decay and penalties of the value score (``contracts/value.py``).

    Quality is 1, reduced by the author's negative rate and the post's risks; a risk of 1 takes ``<label>_risk`` of it.
    ``value_presets.py`` has other weights by name.
    """

    like: Gain = 1.0
    comment: Gain = 3.5
    share: Gain = 8.0
    hide: Loss = -15.0
    report: Loss = -40.0
    dwell_per_s: Gain = 0.05
    age_decay_per_h: Decay = 0.0
    quality: Gain = 0.0
    min_quality: Share = 0.1
    clickbait_risk: Share = 1.0
    nsfw_risk: Share = 1.0
    misinformation_risk: Share = 1.0

    @property
    def risks(self) -> dict[str, float]:
        """By label of ``contracts.landing.LABELS``."""
        return {"clickbait": self.clickbait_risk, "nsfw": self.nsfw_risk, "misinformation": self.misinformation_risk}


@dataclass(frozen=True)
class SimpleScore:
    """Weights of the candidate stage's simple score; weights of engagements are in units of a like.

    A ``bookmark`` is a sign that the user will come back; a ``view`` only opens the post, and views outnumber likes by
    far.
    """

    recency: Gain = 0.3
    recency_decay_per_h: Decay = 0.1
    engagement: Gain = 0.4
    comment: Gain = 2.0
    share: Gain = 3.0
    bookmark: Gain = 2.0
    view: Gain = 0.1
    relationship: Gain = 0.3


@dataclass(frozen=True)
class CandidateLimits:
    """Most candidates that each source may propose for one user, without posts that the user saw in ``seen_days``.

    ``taste`` proposes posts near those that the user engages with; ``circle`` posts that the user's community engages
    with; ``new`` posts of the last ``new_hours`` that are new (``exploration``); ``newcomer`` posts for new users
    (``new_users``); ``popular`` posts with the best rate of engagement. Of one group ``per_group`` posts are proposed.
    """

    friend: CountOrNone = 5000
    page: CountOrNone = 3000
    group: CountOrNone = 200
    taste: Annotated[int, Bounds(0, 5_000)] = 300
    circle: Annotated[int, Bounds(0, 5_000)] = 50
    new: Annotated[int, Bounds(0, 5_000)] = 30
    newcomer: Annotated[int, Bounds(0, 5_000)] = 100
    popular: Annotated[int, Bounds(0, 5_000)] = 50
    total: Count = 10_000
    seen_days: DaysOrNone = 7
    per_group: Count = 10
    new_hours: Hours = 24


@dataclass(frozen=True)
class Cascade:
    """Which candidates the heavy model scores, if there is a light model (``models.light``, ``docs/candidates.md``).

    Of a user's candidates it scores the ``heavy_candidates`` that the light model values most, and those of the source
    ``new``. Of up to ``judged_users`` users both models score all candidates: if less than ``min_recall`` of the heavy
    model's best ``pool.size`` would reach it, it scores all candidates of all users.
    """

    heavy_candidates: Count = 500
    judged_users: Count = 200
    min_recall: Share = 0.95


@dataclass(frozen=True)
class FanOut:
    """Whose posts reach which friends (``spark_jobs/candidates/sources/friends.py``).

    A user with more than ``many_friends`` friends reaches only those who were present in ``present_days``, with the
    newest ``posts_of_many`` posts of ``days_of_many``; likewise for ``very_many_friends``.
    """

    many_friends: Count = 1_000
    very_many_friends: Count = 5_000
    present_days: Days = 7
    posts_of_many: Count = 20
    days_of_many: Days = 7
    posts_of_very_many: Count = 10
    days_of_very_many: Days = 3


@dataclass(frozen=True)
class TasteWeights:
    """Weights of the source ``taste``: similarity of the text, and a post's rate; shared topics weigh 1."""

    text: Gain = 0.2
    rate: Gain = 0.1


@dataclass(frozen=True)
class PolicyRules:
    """The predicted risk from which a post is withheld from users who ask to hide its label (``docs/policy.md``)."""

    clickbait: InnerShare = 0.2
    nsfw: InnerShare = 0.04
    misinformation: InnerShare = 0.04

    @property
    def thresholds(self) -> dict[str, float]:
        """By label of ``contracts.landing.LABELS``."""
        return {"clickbait": self.clickbait, "nsfw": self.nsfw, "misinformation": self.misinformation}


@dataclass(frozen=True)
class PoolRules:
    """Size and reasons of a served pool.

    A suggestion names a topic as its reason if the topic has at least ``min_topic_interest`` of the user's engagement.
    """

    size: Annotated[int, Bounds(1, 1_700)] = 100
    max_per_author: Count = 3
    fallback_size: Annotated[int, Bounds(1, 1_700)] = 100
    min_topic_interest: Share = 0.2
