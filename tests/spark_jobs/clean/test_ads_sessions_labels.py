"""silver.campaigns, ads, sessions, content_labels and creators: latest versions, refusals, and the same twice."""

from collections.abc import Callable
from datetime import date
from typing import Any

import pytest

from spark_jobs.clean import ads, campaigns, content_labels, creators, pages, posts, sessions, users
from spark_jobs.night.lake import checksum
from spark_jobs.night.night import Night
from spark_jobs.night.writers import append_rows
from tests.landed import NOON, ad, bronze_rows, campaign, event, label, naive, post, session, user

EARLY, LATER = "2026-03-08T11:00:00Z", "2026-03-08T13:00:00Z"
BUILT = (users, pages, campaigns, posts, sessions, ads, creators, content_labels)
TABLES = tuple(f"silver.{name}" for name in ("campaigns", "ads", "sessions", "content_labels", "creators"))
EVENTS = [
    user(1),
    user(2),
    event("page_upserted", "page", page_id=5, owner_id=2, name="Page"),
    post(10, 1),
    post(11, 2, at=LATER, source_type="page", source_id=5),
    post(12, 9),  # withheld: its author is unknown
    post(10, 1, "before it was created", EARLY, created_at=NOON),
    campaign(100, 1, daily_budget=2.5, pacing="asap", ends_at=LATER),
    campaign(100, 1, "older", EARLY, budget=1),
    campaign(101, 9),
    campaign(102, 1, ends_at=EARLY),
    ad(200, 100, 10, countries=["US"], interests=["Food"], min_age=18, frequency_cap=2, quality=0.5, is_active=False),
    ad(200, 100, 11, "ad of before", EARLY),
    ad(201, 100, 11),
    ad(202, 102, 10),  # of a campaign that was refused
    ad(203, 100, 99),
    ad(207, 100, 12),  # waits for its post
    session("s1", 1, "half", started_at=EARLY, ended_at=NOON, scroll_depth=3),
    session("s1", 1, "whole", LATER, started_at=EARLY, ended_at=LATER, scroll_depth=9, connection="wifi"),
    session("s1", 1, "yesterday", started_at="2026-03-07T23:59:00Z", ended_at=NOON),
    session("s2", 9),
    session("s3", 1, started_at=NOON, ended_at=EARLY),
    label("l1", 10, "a", EARLY, value=False),
    label("l2", 10, "a", confidence=1),
    label("l3", 10, "b", value=False),
    label("l4", 10, "a", label="clickbait"),
    label("l5", 99, "a"),
    label("l7", 12, "a"),  # waits for its post
]
REFUSED = {
    "campaign-101": ("silver.campaigns", "unknown_user", "advertiser_id=9"),
    "campaign-102": ("silver.campaigns", "ends_before_start", 'ends_at="2026-03-08T11:00:00Z"'),
    "ad-202": ("silver.ads", "unknown_campaign", "campaign_id=102"),
    "ad-203": ("silver.ads", "unknown_post", "post_id=99"),
    "ad-207": ("silver.ads", "withheld_post", "post_id=12"),
    "session-s2": ("silver.sessions", "unknown_user", "user_id=9"),
    "session-s3": ("silver.sessions", "ends_before_start", 'ended_at="2026-03-08T11:00:00Z"'),
    "l5": ("silver.content_labels", "unknown_post", "post_id=99"),
    "l7": ("silver.content_labels", "withheld_post", "post_id=12"),
    "post-12": ("silver.posts", "unknown_user", "author_id=9"),
    "before it was created": ("silver.posts", "before_creation", 'created_at="2026-03-08T12:00:00Z"'),
}


def rows(night: Night, table: str, *columns: str) -> list[tuple[Any, ...]]:
    return sorted((tuple(row) for row in night.read(table).select(*columns).collect()), key=str)


@pytest.mark.slow
def test_latest_versions_stand_and_contradictions_are_refused_with_their_reason(
    make_night: Callable[..., Night],
) -> None:
    night = make_night()
    append_rows(night.lake, "bronze.events", bronze_rows(night.spark, EVENTS))
    sums = []
    for _ in range(2):
        for job in BUILT:
            job.main(night)
        sums.append({name: checksum(night.read(name)) for name in (*TABLES, "bronze.quarantine")})
    assert sums[0] == sums[1]
    refused = {row.event_id: (row.writer, row.reason, row.detail) for row in night.read("bronze.quarantine").collect()}
    assert refused == REFUSED
    columns: tuple[str, ...] = ("campaign_id", "advertiser_id", "budget", "daily_budget", "pacing", "ends_at")
    assert rows(night, "silver.campaigns", *columns) == [(100, 1, 10.0, 2.5, "asap", naive(LATER))]
    columns = ("ad_id", "post_id", "quality", "frequency_cap", "countries", "interests", "min_age", "is_active")
    assert rows(night, "silver.ads", *columns) == [
        (200, 10, 0.5, 2, ["US"], ["food"], 18, False),
        (201, 11, 1.0, None, [], [], None, True),
    ]
    columns = ("session_id", "event_date", "ended_at", "connection", "scroll_depth")
    assert rows(night, "silver.sessions", *columns) == [
        ("s1", date(2026, 3, 7), naive(NOON), None, None),
        ("s1", date(2026, 3, 8), naive(LATER), "wifi", 9),
    ]
    columns = ("post_id", "labeller_id", "label", "value", "confidence")
    assert rows(night, "silver.content_labels", *columns) == [
        (10, "a", "clickbait", True, None),
        (10, "a", "nsfw", True, 1.0),
        (10, "b", "nsfw", False, None),
    ]
    columns = ("creator_id", "num_pages", "num_posts", "num_page_posts", "first_post_at", "last_post_at")
    assert rows(night, "silver.creators", *columns) == [
        (1, 0, 1, 0, naive(NOON), naive(NOON)),
        (2, 1, 1, 1, naive(LATER), naive(LATER)),
    ]

    # What waited comes in with what it waited for; a post that changes hands leaves its first creator with none.
    news = [user(9, at=LATER), post(10, 2, "handed over", LATER)]
    append_rows(night.lake, "bronze.events", bronze_rows(night.spark, news, source="b.jsonl"))
    for job in BUILT:
        job.main(night)
    assert (207, 12) in rows(night, "silver.ads", "ad_id", "post_id")
    assert (101, 9) in rows(night, "silver.campaigns", "campaign_id", "advertiser_id")
    assert (12, "a", "nsfw") in rows(night, "silver.content_labels", "post_id", "labeller_id", "label")
    assert rows(night, "silver.creators", "creator_id", "num_posts") == [(2, 2), (9, 1)]
