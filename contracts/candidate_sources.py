"""The candidate sources, and the values of ``sources`` and ``source_type`` in ``gold.feed_candidates``.

To add a source: add it here, its limit under its name to ``CandidateLimits`` of ``contracts/settings/ranking.py``, and
its job to ``PROPOSERS`` of ``spark_jobs/candidates/sources/``.
"""

from dataclasses import dataclass


@dataclass(frozen=True)
class CandidateSource:
    """A source. A served post shows ``source_type``. Unless it ``is_personal``, it proposes the same to everyone."""

    name: str
    source_type: str
    is_personal: bool = True


CANDIDATE_SOURCES = (
    CandidateSource("friend", "friend"),
    CandidateSource("page", "page"),
    CandidateSource("group", "group"),
    CandidateSource("taste", "suggested"),
    CandidateSource("circle", "suggested"),
    CandidateSource("new", "suggested"),
    CandidateSource("newcomer", "suggested"),
    CandidateSource("popular", "suggested", is_personal=False),
)
"""If several sources propose a post, the first in this order gives the candidate's ``source_type``."""
