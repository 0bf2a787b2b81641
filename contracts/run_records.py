"""What the files of a night hold: one record per file whose fields are fixed. ``run_files`` names the files."""

from datetime import datetime
from typing import Any, TypedDict

Json = dict[str, Any]


class RuleResult(TypedDict):
    """Result of one rule of a gate: ``unexpected_count`` rows of ``element_count`` broke it."""

    expectation: str
    column: str | None
    severity: str
    success: bool
    unexpected_count: int
    element_count: int
    message: str
    why: str


class TableVerdict(TypedDict):
    """The verdict of a table's gate; ``rows`` were written this night, ``rows_checked`` are those the gate read."""

    table: str
    ds: str
    settings: str
    success: bool
    rows: int
    rows_checked: int
    seconds: float
    results: list[RuleResult]


class TableTiming(TypedDict):
    """One table of a stage."""

    rows: int
    rows_checked: int
    seconds: float
    gate_seconds: float


class StageRecord(TypedDict):
    """Duration and resources of a stage; ``started_at`` in ISO 8601."""

    stage: str
    started_at: str
    seconds: float
    startup_seconds: float
    peak_rss_mb: float
    tables: dict[str, TableTiming]


class AuditRecord(TypedDict):
    """The audit of a night's pools and ads, in versions ``ranked_version`` and ``ads_version`` of their tables."""

    ds: str
    passed: bool
    ranked_version: int
    ads_version: int
    checks: list[Json]


class PolicyRecord(TypedDict):
    """What policy removed from a night's candidates: per rule of ``contracts.policy``, ``removed`` of ``proposals``.

    A proposal is one post that one source proposes to one user within its limit; if it breaks two rules, it counts for
    both. ``asked`` counts the users to whom a rule applies, ``flagged`` the posts that could break it.
    """

    ds: str
    proposals: int
    removed: dict[str, int]
    flagged: dict[str, int]
    asked: dict[str, int]


class RerankRecord(TypedDict):
    """How a night's pools were filled: ``places`` in all, and how many break each rule in force, by rule name.

    A rule is broken only if the user's candidates leave no choice. ``explored`` places were filled by a draw.
    """

    ds: str
    places: int
    broken: dict[str, int]
    explored: int


class AdsRecord(TypedDict):
    """A night's ads: ``campaigns`` can pay for ``paid_for`` places of the day, whether or not users target them.

    ``ads`` is the number of places of pools that have one, ``most_charged`` what they cost if all are clicked.
    """

    ds: str
    campaigns: int
    paid_for: int
    ads: int
    most_charged: float


DIFFERENCE_CAUSES = ("new_posts", "rules", "model", "weights", "features")
"""Causes that can bring another post to a place in a pool; the first that applies counts."""


class MovedFeature(TypedDict):
    """A feature of users, and how far it moved: in standard deviations over the sample."""

    name: str
    shift: float


class ChangedUser(TypedDict):
    """How much one user's pool changes: the share of its first places that show another post, in all and by cause."""

    user_id: int
    changed: float
    by: dict[str, float]
    features: list[MovedFeature]


class DifferenceRecord(TypedDict):
    """How a new epoch differs from the one that was live before its flip, on a sample of users with a pool in both.

    ``changed`` is the mean share of their first ``depth`` places that show another post, ``by`` the same by cause;
    ``inputs`` what of the manifests differs, before and after; ``most`` the users that change most. ``live`` is null
    where no epoch was live.
    """

    live: int | None
    new: int
    sampled: int
    users: int
    depth: int
    changed: float
    by: dict[str, float]
    inputs: dict[str, list[str]]
    features: list[MovedFeature]
    most: list[ChangedUser]


def ended_at(record: StageRecord) -> float:
    """When a stage ended, in seconds since 1970."""
    return datetime.fromisoformat(record["started_at"]).timestamp() + record["seconds"]
