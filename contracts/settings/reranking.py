"""Settings of re-ranking: rules that mix a pool's posts, and places for exploration."""

from dataclasses import dataclass
from typing import Annotated

from contracts.settings.kinds import Bounds, Count, CountOrNone, Gain, Hours, InnerShare, OneOf, Positive, Share

RERANK_RULES = ("topic", "source", "type", "similarity", "recency", "friends")
"""Every rule that gives way if the candidates leave no choice; ``spark_jobs/rerank/rules`` has a file for each."""


@dataclass(frozen=True)
class RerankRules:
    """How a pool mixes (``docs/reranking.md``): the rules in force; the first one gives way last.

    Shares hold for the first ``page`` places, the first two pages, and so on, and for the whole pool. Types and ages
    have their share of the sum of all, within ``mix_tolerance``. After ``similar_after`` places, a post is avoided if
    its similarity with one of the ``page`` posts before it exceeds ``max_similarity``.
    """

    order: Annotated[tuple[str, ...], OneOf(RERANK_RULES)] = ("topic", "source", "type", "friends")
    page: Count = 20
    max_topic_run: Count = 4
    max_source_share: Share = 0.3
    status: Gain = 20.0
    photo: Gain = 45.0
    video: Gain = 25.0
    link: Gain = 10.0
    under_1h: Gain = 30.0
    under_6h: Gain = 40.0
    under_24h: Gain = 20.0
    older: Gain = 10.0
    mix_tolerance: Share = 0.1
    max_similarity: InnerShare = 0.7
    similar_after: CountOrNone = 5


@dataclass(frozen=True)
class Exploration:
    """One place in ``every`` is filled by a draw among little-known posts (``docs/reranking.md``); 0: none is.

    In the pool of a new user (``new_users``) it is one in ``every_of_new_users``, unless ``every`` is 0.

    A post is new if it is younger than ``new_h``, or was shown fewer than ``few_views`` times. It is little known if it
    is new, or is by an author whose recent posts together were shown fewer than ``few_author_views`` times. The best
    ``arms`` of the little-known posts take part. A share ``uniform`` of the probability is divided equally among them.
    """

    every: Annotated[int, Bounds(0, 1_000)] = 10
    every_of_new_users: Annotated[int, Bounds(0, 1_000)] = 5
    arms: Annotated[int, Bounds(2, 200)] = 20
    new_h: Hours = 1
    few_views: Count = 100
    few_author_views: Count = 200
    prior_engaged: Positive = 2.0
    prior_ignored: Positive = 5.0
    uniform: InnerShare = 0.1
