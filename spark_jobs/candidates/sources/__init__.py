"""One file per source of candidates: what it proposes to each known user, as (user_id, post_id, place).

The greater the ``place``, the better; a source's limit keeps the best that its user may be shown.
"""

from collections.abc import Callable
from dataclasses import dataclass

from pyspark.sql import DataFrame

from contracts.settings import CandidateLimits
from spark_jobs.candidates.offers import Offers
from spark_jobs.candidates.sources import circle, friends, groups, new_posts, pages, popular, taste


@dataclass(frozen=True)
class Source:
    """``source_type`` is what a served post says of it; ``limit`` how much of it is taken for one user."""

    name: str
    source_type: str
    limit: Callable[[CandidateLimits], int]
    propose: Callable[[Offers], DataFrame]


SOURCES = (
    Source("friend", "friend", lambda limits: limits.friend, friends.propose),
    Source("page", "page", lambda limits: limits.page, pages.propose),
    Source("group", "group", lambda limits: limits.group, groups.propose),
    Source("taste", "suggested", lambda limits: limits.taste, taste.propose),
    Source("circle", "suggested", lambda limits: limits.circle, circle.propose),
    Source("new", "suggested", lambda limits: limits.new, new_posts.propose),
    Source("popular", "suggested", lambda limits: limits.popular, popular.propose),
)
"""Of those that proposed a post, the first gives the candidate's ``source_type``."""
