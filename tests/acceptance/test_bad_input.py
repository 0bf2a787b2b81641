"""All kinds of bad input at once: refused with a reason, counted, and never in silver; what is good goes through."""

import json
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
from pyspark.sql import SparkSession
from pyspark.sql import functions as F

from contracts.settings import Dataset, Settings
from spark_jobs.ingest import events
from spark_jobs.ingest.landing_files import LandingError
from spark_jobs.lake import Lake, checksum
from spark_jobs.night import Night
from spark_jobs.run import failures, run_stage
from tests.landed import DS, Event, ad, campaign, engagement, event, impression, label, land, post, session, user

EXACT = 2**53 + 1
LENIENT = Settings(dataset=Dataset(max_quarantined_share=1.0))
LATE = "2026-03-04T00:00:00Z"
GOOD: list[Event] = [
    user(EXACT),
    user(2),
    post(2**63 - 1, EXACT),
    impression("i1", 2, 2**63 - 1),
    engagement("e1", 2, 2**63 - 1, impression_id="i1"),
    event("reaction", "r1", post_id=2**63 - 1, engagement_type="like"),
    event("friendship_created", "f1", user_id=2, friend_id=EXACT),
]
BAD: list[Event | str] = [
    '{"event_id": "cut',
    "not JSON at all",
    "[]",
    event("teleport", "t1"),
    user(2**63),
    user(2**64 + 1),
    user(3, name=None),
    engagement("e2", 2, 2**63 - 1, engagement_type="poke"),
    user(4, at="2026-03-20T00:00:00Z"),
    engagement("e3", 2, 2**63 - 1) | {"event_time": LATE},
    user(2),
    engagement("e4", EXACT - 1, 2**63 - 1),
    engagement("e5", 2, 999),
    impression("i2", 2, 999),
    impression("i3", 2, 2**63 - 1, position=0),
    post(5, 3),
    event("friendship_created", "f2", user_id=2, friend_id=2),
    event("page_followed", "p1", user_id=2, page_id=999),
    event("post_deleted", "d1", post_id=999),
]
REFUSED = {
    ("bronze.events", "malformed_json"): 2,
    ("bronze.events", "not_an_object"): 1,
    ("bronze.events", "unknown_event_type"): 1,
    ("bronze.events", "wrong_type"): 2,
    ("bronze.events", "missing_field"): 1,
    ("bronze.events", "value_not_allowed"): 1,
    ("bronze.events", "future_event"): 1,
    ("bronze.events", "too_late"): 1,
    ("bronze.events", "duplicate_event"): 1,
    ("silver.engagements", "unknown_user"): 1,
    ("silver.engagements", "unknown_post"): 1,
    ("silver.impressions", "unknown_post"): 1,
    ("silver.impressions", "position_out_of_range"): 1,
    ("silver.posts", "unknown_user"): 1,
    ("silver.posts", "unknown_post"): 1,
    ("silver.friendships", "self_edge"): 1,
    ("silver.page_follows", "unknown_page"): 1,
}
SILVER_IDS: dict[str, dict[str, set[Any]]] = {
    "silver.users": {"user_id": {EXACT, 2}},
    "silver.posts": {"post_id": {2**63 - 1}, "author_id": {EXACT}},
    "silver.impressions": {"impression_id": {"i1"}, "post_id": {2**63 - 1}},
    "silver.engagements": {"engagement_id": {"e1", "r1"}, "post_id": {2**63 - 1}},
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
    land(night.landing, DS, [*BAD[:8], *GOOD, *BAD[8:], "", "  "])
    for stage in ("ingest", "clean"):
        broken = [line for verdict in run_stage(night, stage) for line in failures(verdict)]
        assert not [line for line in broken if line.startswith("critical")]
    counts = refusals(night)
    for (writer, reason), count in counts.items():
        print(f"{writer:24} {reason:24} {count:4}")
    assert counts == REFUSED
    num_refused_lines = sum(count for (writer, _), count in REFUSED.items() if writer == "bronze.events")
    assert night.read("bronze.events").count() + num_refused_lines == len(BAD) + len(GOOD)
    landed = {line if isinstance(line, str) else json.dumps(line) for line in BAD}
    assert {row["raw"] for row in night.read("bronze.quarantine").select("raw").collect()} == landed
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


def test_bad_input_beyond_the_share_stops_the_night(spark: SparkSession, tmp_path: Path) -> None:
    night = night_of(spark, tmp_path, settings=Settings())
    land(night.landing, DS, [*(user(at) for at in range(18)), "{", "{"])
    events.main(night)
    [verdict, _] = run_stage(night, "ingest")
    assert not verdict["success"]
    assert any("refused_share_of_the_day" in line and "'num_refused': 2" in line for line in failures(verdict))
    lenient = replace(night, settings=LENIENT)
    assert all(verdict["success"] for verdict in run_stage(lenient, "ingest"))


def test_bad_input_an_empty_lake_says_what_to_do(spark: SparkSession, tmp_path: Path) -> None:
    night = night_of(spark, tmp_path)
    with pytest.raises(LandingError, match=r"nothing has landed in .* up to 2026-03-08: put event files at"):
        run_stage(night, "ingest")
    (tmp_path / "landing" / "2026-03-08").mkdir(parents=True)
    with pytest.raises(LandingError, match="nothing has landed"):
        run_stage(night, "ingest")


def test_bad_input_a_killed_or_failing_read_leaves_no_half_table(spark: SparkSession, tmp_path: Path) -> None:
    night = night_of(spark, tmp_path)
    land(night.landing, DS, [user(1)], "a.jsonl")
    whole = land(night.landing, DS, [user(2), "{"], "b.jsonl").read_bytes()
    land(night.landing, DS, [user(3)], "_c.jsonl")
    half = tmp_path / "landing" / "2026-03-08" / "half.jsonl.gz"
    half.write_bytes(b"\x1f\x8b\x08\x00 cut off")
    with pytest.raises(Exception, match=r"half\.jsonl\.gz"):
        events.main(night)
    assert night.read("bronze.events").count() == 0
    half.unlink()
    events.main(night)
    assert whole.count(b"\n") == 2
    ids = night.read("bronze.events").select(F.collect_set("event_id")).first()
    assert ids is not None
    assert set(ids[0]) == {"user-1", "user-2"}
    assert refusals(night) == {("bronze.events", "malformed_json"): 1}


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
