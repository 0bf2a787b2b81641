"""What a post is worth to a user, and which posts a pool holds."""

from dataclasses import dataclass


@dataclass(frozen=True)
class ValueWeights:
    """Expected value per impression: weight per head, half-lives and penalties of the value score."""

    like: float = 1.0
    comment: float = 3.5
    share: float = 8.0
    hide: float = -15.0
    report: float = -40.0
    dwell_per_s: float = 0.05
    age_decay_per_h: float = 0.0
    min_quality: float = 0.1


@dataclass(frozen=True)
class SimpleScore:
    """Weights of the candidate stage's simple score; in units of a like, what other engagements with a post count.

    A ``bookmark`` says that the user will come back; a ``view`` only opens the post, and views outnumber likes by far.
    """

    recency: float = 0.3
    recency_decay_per_h: float = 0.1
    engagement: float = 0.4
    comment: float = 2.0
    share: float = 3.0
    bookmark: float = 2.0
    view: float = 0.1
    relationship: float = 0.3


@dataclass(frozen=True)
class CandidateLimits:
    """How many candidates each source may propose for one user; what was seen in ``seen_days`` does not come again."""

    friend: int = 5000
    page: int = 3000
    group: int = 200
    suggested: int = 200
    total: int = 10_000
    seen_days: int = 7


@dataclass(frozen=True)
class PoolRules:
    """What a served pool must look like.

    A suggestion is put down to a topic where that topic has at least ``min_topic_interest`` of the user's engagement.
    """

    pool_size: int = 100
    max_per_author: int = 3
    fallback_size: int = 100
    min_topic_interest: float = 0.2
