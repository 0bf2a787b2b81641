"""One file per candidate source; it proposes posts to each known user, as (user_id, post_id, priority).

The greater the ``priority``, the better; a source's limit keeps the best that its user may be shown.
"""

from contracts.candidate_sources import CANDIDATE_SOURCES
from contracts.settings import CandidateLimits
from spark_jobs.candidates.sources import circle, friends, groups, new_posts, newcomers, pages, popular, taste

PROPOSERS = {
    "friend": friends.propose,
    "page": pages.propose,
    "group": groups.propose,
    "taste": taste.propose,
    "circle": circle.propose,
    "new": new_posts.propose,
    "newcomer": newcomers.propose,
    "popular": popular.propose,
}
"""By the names of ``contracts.candidate_sources``."""


def limits_by_source(limits: CandidateLimits) -> dict[str, int]:
    """The limit of proposals per user of each source."""
    return {source.name: getattr(limits, source.name) for source in CANDIDATE_SOURCES}
