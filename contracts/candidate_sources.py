"""What may propose a candidate: the words of ``sources`` and ``source_type`` in ``gold.feed_candidates``."""

from dataclasses import dataclass


@dataclass(frozen=True)
class CandidateSource:
    """``source_type`` is what a served post says of it; what is not ``is_personal`` proposes the same to everyone."""

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
"""Of those that proposed a post, the first gives the candidate's ``source_type``."""
