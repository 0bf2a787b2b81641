"""All kinds of bad input at once: refused with a reason, counted, and never in silver; good input goes through."""

import json
from collections import Counter
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
from pyspark.sql import SparkSession
from pyspark.sql import functions as F

from contracts.settings import Dataset, Settings
from spark_jobs.ingest import events
from spark_jobs.ingest.landing_area import LandingError
from spark_jobs.night.lake import Lake, checksum
from spark_jobs.night.night import Night
from spark_jobs.night.run import failures, run_stage
from tests.landed import (
    DS,
    NOON,
    Event,
    ad,
    campaign,
    engagement,
    event,
    impression,
    label,
    land,
    post,
    session,
    user,
)

EXACT = 2**53 + 1
LENIENT = Settings(dataset=Dataset(max_quarantined_share=1.0))
LATE, MORNING = "2026-03-04T00:00:00Z", "2026-03-08T08:00:00Z"
GOOD: list[Event] = [
    user(EXACT),
    user(2),
    post(2**63 - 1, EXACT),
    impression("i1", 2, 2**63 - 1),
    engagement("e1", 2, 2**63 - 1, impression_id="i1"),
    event("reaction", "r1", post_id=2**63 - 1, engagement_type="like"),
    event("friendship_created", "f1", user_id=2, friend_id=EXACT),
    post(9, 2, created_at=MORNING, media_count=1000, text="é" * 63_206),
    post(9, 2, "an edit", "2026-03-08T13:00:00Z", created_at=MORNING, text="edited") | {"event_type": "post_updated"},
    impression("last", 2, 9, position=1000, propensity=1, epoch=1),
    engagement("a whole day", 2, 9, dwell_ms=86_400_000),
    session("s0", 2, scroll_depth=0),
    campaign(32, 2, budget=0),
]
POST = 2**63 - 1
TOO_MUCH = "[" * 1500 + "]" * 1500
INGEST = "bronze.events"
OUT = "value_out_of_range"
BAD: list[tuple[Event | str, str, str]] = [
    ('{"event_id": "cut', INGEST, "malformed_json"),
    ("not JSON at all", INGEST, "malformed_json"),
    (json.dumps(user(7))[:-1] + f', "moons": {TOO_MUCH}}}', INGEST, "beyond_limits"),
    (json.dumps(user(7))[:-1] + f', "moons": {"7" * 1500}}}', INGEST, "beyond_limits"),
    ("[]", INGEST, "not_an_object"),
    (event("teleport", "t1"), INGEST, "unknown_event_type"),
    (user(2**63), INGEST, "wrong_type"),
    (user(2**64 + 1), INGEST, "wrong_type"),
    (user(3, name=None), INGEST, "missing_field"),
    (engagement("e2", 2, POST, engagement_type="poke"), INGEST, "value_not_allowed"),
    (user(5, birth_year=1849), INGEST, OUT),
    (user(6, birth_year=2101), INGEST, OUT),
    (post(6, 2, media_count=-1), INGEST, OUT),
    (post(7, 2, media_count=1001), INGEST, OUT),
    (post(7, 2, image_quality=1.5), INGEST, OUT),
    (post(8, 2, text="é" * 63_207), INGEST, OUT),
    (impression("i3", 2, POST, position=0), INGEST, OUT),
    (impression("i4", 2, POST, position=1001), INGEST, OUT),
    (impression("i5", 2, POST, propensity=0), INGEST, OUT),
    (impression("i6", 2, POST, propensity=1.01), INGEST, OUT),
    (impression("i7", 2, POST, epoch=0), INGEST, OUT),
    (engagement("e6", 2, POST, dwell_ms=-1), INGEST, OUT),
    (engagement("e7", 2, POST, dwell_ms=86_400_001), INGEST, OUT),
    (session("s1", 2, scroll_depth=-1), INGEST, OUT),
    (campaign(30, 2, budget=-1), INGEST, OUT),
    (campaign(31, 2, daily_budget=-0.5), INGEST, OUT),
    (ad(40, 32, POST, bid=-0.01), INGEST, OUT),
    (ad(41, 32, POST, quality=1.5), INGEST, OUT),
    (ad(42, 32, POST, frequency_cap=0), INGEST, OUT),
    (label("l1", POST, "a", confidence=1.01), INGEST, OUT),
    (user(4, at="2026-03-20T00:00:00Z"), INGEST, "future_event"),
    (engagement("e3", 2, POST) | {"event_time": LATE}, INGEST, "too_late"),
    (user(2), INGEST, "duplicate_event"),
    (engagement("e4", EXACT - 1, POST), "silver.engagements", "unknown_user"),
    (engagement("e5", 2, 999), "silver.engagements", "unknown_post"),
    (impression("i2", 2, 999), "silver.impressions", "unknown_post"),
    (post(5, 3), "silver.posts", "unknown_user"),
    (post(POST, EXACT, "too early", MORNING, created_at=NOON, text="no"), "silver.posts", "before_creation"),
    (event("post_deleted", "d1", post_id=999), "silver.posts", "unknown_post"),
    (event("friendship_created", "f2", user_id=2, friend_id=2), "silver.friendships", "self_edge"),
    (event("page_followed", "p1", user_id=2, page_id=999), "silver.page_follows", "unknown_page"),
    (session("s2", 2, ended_at=MORNING), "silver.sessions", "ends_before_start"),
    (campaign(33, 2, ends_at=MORNING), "silver.campaigns", "ends_before_start"),
]
REFUSED = Counter((writer, reason) for _, writer, reason in BAD)
NUM_BEFORE = 8
"""So many of the bad lines stand before the good ones."""
SILVER_IDS: dict[str, dict[str, set[Any]]] = {
    "silver.users": {"user_id": {EXACT, 2}},
    "silver.posts": {"post_id": {POST, 9}, "author_id": {EXACT, 2}, "text": {"Hello", "edited"}},
    "silver.impressions": {"impression_id": {"i1", "last"}, "post_id": {POST, 9}},
    "silver.engagements": {"engagement_id": {"e1", "r1", "a whole day"}, "post_id": {POST, 9}},
    "silver.sessions": {"session_id": {"s0"}},
    "silver.campaigns": {"campaign_id": {32}},
    "silver.ads": {"ad_id": set()},
    "silver.content_labels": {"labeller_id": set()},
    "silver.friendships": {"user_id": {EXACT, 2}, "friend_id": {EXACT, 2}},
    "silver.page_follows": {"user_id": set()},
}


def night_of(spark: SparkSession, folder: Path, ds: date = DS, settings: Settings = LENIENT) -> Night:
    return Night(Lake(spark, str(folder / "lake")), ds, str(folder / "landing"), folder / "runs", settings)


def refusals(night: Night) -> dict[tuple[str, str], int]:
    rows = night.read("bronze.quarantine").groupBy("writer", "reason").count().orderBy("writer", "reason").collect()
    return {(row["writer"], row["reason"]): row["count"] for row in rows}


@pytest.mark.slow
def test_bad_input_is_refused_with_its_reason_and_counted(spark: SparkSession, tmp_path: Path) -> None:
    night = night_of(spark, tmp_path)
    bad = [line for line, _, _ in BAD]
    land(night.landing, DS, [*bad[:NUM_BEFORE], *GOOD, *bad[NUM_BEFORE:], "", "  "])
    for stage in ("ingest", "clean"):
        broken = [line for verdict in run_stage(night, stage) for line in failures(verdict)]
        assert not [line for line in broken if line.startswith("critical")]
    counts = refusals(night)
    for (writer, reason), count in counts.items():
        print(f"{writer:24} {reason:24} {count:4}")
    assert counts == REFUSED
    num_refused_lines = sum(count for (writer, _), count in REFUSED.items() if writer == INGEST)
    assert night.read("bronze.events").count() + num_refused_lines == len(BAD) + len(GOOD)
    kept = {(row["source"], row["line"]): row for row in night.read("bronze.quarantine").collect()}
    assert len(kept) == len(BAD)
    for at, (line, writer, reason) in enumerate(BAD, start=1):
        row = kept[f"{DS}/events.jsonl", at if at <= NUM_BEFORE else at + len(GOOD)]
        assert (row["writer"], row["reason"]) == (writer, reason), row
        assert row["raw"] == (line if isinstance(line, str) else json.dumps(line))
    for table, columns in SILVER_IDS.items():
        for column, ids in columns.items():
            assert {row[0] for row in night.read(table).select(column).collect()} == ids, (table, column)

    tables = ["bronze.events", "bronze.quarantine", *SILVER_IDS]
    once = {table: checksum(night.read(table)) for table in tables}
    # The next day is empty: nothing lands, nothing changes, nothing fails.
    tomorrow = night_of(spark, tmp_path, DS + timedelta(days=1))
    for stage in ("ingest", "clean"):
        assert all(verdict["success"] for verdict in run_stage(tomorrow, stage))
    assert {table: checksum(night.read(table)) for table in tables} == once


@pytest.mark.parametrize(("accepted", "refused", "stops"), [(2, 1, False), (180, 19, False), (180, 20, True)])
def test_bad_input_beyond_the_share_stops_the_night_from_a_number_of_lines_on(
    spark: SparkSession, tmp_path: Path, accepted: int, refused: int, *, stops: bool
) -> None:
    night = night_of(spark, tmp_path, settings=Settings())
    land(night.landing, DS, [*(user(at) for at in range(accepted)), *["{"] * refused])
    events.main(night)
    verdict = run_stage(night, "ingest")[0]
    print(f"{refused} of {accepted + refused} lines refused: {failures(verdict) or 'the night goes on'}")
    assert verdict["success"] is not stops
    if not stops:
        return
    first = [f"{{'source': '{DS}/events.jsonl', 'line': {line}, 'reason': 'malformed_json'" for line in (181, 182, 183)]
    [message] = [line for line in failures(verdict) if "refused_share_of_the_day" in line]
    assert [message.index(line) for line in first] == sorted(message.index(line) for line in first)
    assert "20 rows break it" in message
    assert "'num_refused': 20, 'num_accepted': 180" in message
    lenient = replace(night, settings=LENIENT)
    assert all(verdict["success"] for verdict in run_stage(lenient, "ingest"))


def test_bad_input_an_empty_lake_says_what_to_do(spark: SparkSession, tmp_path: Path) -> None:
    night = night_of(spark, tmp_path)
    with pytest.raises(LandingError, match=r"nothing has landed in .* up to 2026-03-08: put event files at"):
        run_stage(night, "ingest")
    (tmp_path / "landing" / "2026-03-08").mkdir(parents=True)
    with pytest.raises(LandingError, match="nothing has landed"):
        run_stage(night, "ingest")


def test_bad_input_a_damaged_file_stops_the_night_by_name(spark: SparkSession, tmp_path: Path) -> None:
    night = night_of(spark, tmp_path)
    land(night.landing, DS, [user(1)], "a.jsonl")
    whole = land(night.landing, DS, [user(2), "{"], "b.jsonl").read_bytes()
    land(night.landing, DS, [user(3)], "_c.jsonl")
    half = tmp_path / "landing" / "2026-03-08" / "half.jsonl.gz"
    half.write_bytes(b"\x1f\x8b\x08\x00 cut off")
    messages = [line for verdict in run_stage(night, "ingest") for line in failures(verdict) if "critical" in line]
    assert [
        "every_file_can_be_read" in line and "half.jsonl.gz" in line for line in messages if "bronze.files" in line
    ] == [True]
    half.unlink()
    assert all(verdict["success"] for verdict in run_stage(replace(night, settings=LENIENT), "ingest"))
    assert whole.count(b"\n") == 2
    ids = night.read("bronze.events").select(F.collect_set("event_id")).first()
    assert ids is not None
    assert set(ids[0]) == {"user-1", "user-2"}
    assert refusals(night) == {("bronze.events", "malformed_json"): 1}


@pytest.mark.slow
def test_contradictions_have_a_rule(spark: SparkSession, tmp_path: Path) -> None:
    """The table *Contradictions* of docs/landing.md."""
    before, after = "2026-03-08T11:00:00Z", "2026-03-08T13:00:00Z"
    edit = {"event_type": "post_updated"}
    lines: list[Event | str] = [
        user(1, "sent first", after, name="now"),
        user(1, "sent last, clock back", before, name="earlier"),
        user(2),
        event("user_blocked", "b", user_id=2, blocked_id=2),
        event("friendship_created", "f", user_id=1, friend_id=3),
        post(10, 1, text="created"),
        post(10, 1, "edit before creation", before, text="edited") | edit,
        post(10, 1, "edit before its creation", before, created_at=NOON, text="edited") | edit,
        post(11, 1, "edit alone", text="edited") | edit,
        post(12, 1, "one id", text="first"),
        post(12, 2, "one id, twice", after, text="second"),
        engagement("e", 2, 10, at=before, impression_id="i"),
        impression("i", 2, 10),
        session("s", 2, "half a session", before, started_at=before, ended_at=before, scroll_depth=1),
        session("s", 2, "the session", after, started_at=before, ended_at=after, scroll_depth=4),
        session("s2", 2, ended_at=before),
        campaign(20, 1),
        campaign(20, 1, "of a negative budget", after, budget=-1),
        campaign(21, 1, ends_at=before),
        ad(30, 20, 10, min_age=50, max_age=20),
        ad(31, 21, 10),
        ad(32, 20, 99),
        ad(33, 20, 10, bid=-1),
        impression("ad", 2, 10, ad_id=33),
        label("yes", 10, "a", before),
        label("no", 10, "a", after, value=False),
        label("another says yes", 10, "b"),
    ]
    night = night_of(spark, tmp_path)
    land(night.landing, DS, lines)
    for stage in ("ingest", "clean"):
        assert all(verdict["success"] for verdict in run_stage(night, stage))
    posts = {row.post_id: (row.author_id, row.text) for row in night.read("silver.posts").collect()}
    assert posts == {10: (1, "created"), 11: (1, "edited"), 12: (2, "second")}
    versions = night.read("silver.users").where("user_id = 1").orderBy("valid_from").collect()
    assert [(row.name, row.valid_to is None) for row in versions] == [("earlier", False), ("now", True)]
    assert [row.impression_id for row in night.read("silver.engagements").collect()] == ["i"]
    refused = {row.event_id: row.reason for row in night.read("bronze.quarantine").collect()}
    assert refused == {
        "edit before its creation": "before_creation",
        "b": "self_edge",
        "f": "unknown_user",
        "session-s2": "ends_before_start",
        "of a negative budget": "value_out_of_range",
        "campaign-21": "ends_before_start",
        "ad-31": "unknown_campaign",
        "ad-32": "unknown_post",
        "ad-33": "value_out_of_range",
        "ad": "unknown_ad",
    }
    assert [row.scroll_depth for row in night.read("silver.sessions").collect()] == [4]
    assert [row.budget for row in night.read("silver.campaigns").collect()] == [10]
    assert [row.ad_id for row in night.read("silver.ads").collect()] == [30]
    verdicts = {row.labeller_id: row.value for row in night.read("silver.content_labels").collect()}
    assert verdicts == {"a": False, "b": True}
