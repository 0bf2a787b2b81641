"""Each kind of violation of the landing contract, landed once, is told by file, line, value and rule."""

import subprocess
import sys
from pathlib import Path

import pytest
from pyspark.sql import SparkSession

from contracts.landing import REFUSALS
from spark_jobs.validate_landing import describe, find_violations, report
from tests.landed import DS, NOON, Event, ad, campaign, engagement, event, impression, land, post, session, user

ROOT = Path(__file__).resolve().parents[2]
AFTER, BEFORE, LONG_AGO = "2026-03-09T01:00:00Z", "2026-03-08T11:00:00Z", "2026-03-04T00:00:00Z"
GOOD: list[Event | str] = [user(1), user(2), post(10, 1), impression("i", 2, 10)]
VIOLATIONS: list[tuple[Event | str, str]] = [
    ('{"event_id": "cut', "malformed_json: a line is one JSON value in valid UTF-8, and an object names no key twice"),
    ("[1, 2]", "not_an_object: the JSON value is an object"),
    (user(3, name=None), "missing_field (name): every required field is there, not null, and `event_id` not empty"),
    (user(2**63), f"wrong_type (user_id={2**63}): a value has its field's type; ids are integers of 64 bits"),
    (event("teleport", "t"), "unknown_event_type (teleport): `event_type` is one of docs/landing.md"),
    (
        engagement("e1", 2, 10, engagement_type="poke"),
        'value_not_allowed (engagement_type="poke"): a field with listed values has one of them',
    ),
    (
        campaign(7, 1, budget=-1),
        f"value_out_of_range (budget=-1, must be at least 0): {REFUSALS['value_out_of_range']}",
    ),
    (
        user(4, at=AFTER),
        f'future_event (received_at="{AFTER}"): {REFUSALS["future_event"]}',
    ),
    (
        engagement("e2", 2, 10) | {"event_time": LONG_AGO},
        f'too_late (event_time="{LONG_AGO}"): {REFUSALS["too_late"]}',
    ),
    (user(2), "duplicate_event (event_id=user-2): no acceptable line with this `event_id` was received before"),
    (
        event("friendship_created", "f1", user_id=1, friend_id=99),
        "unknown_user (friend_id=99): the user, author, owner, advertiser or friend is in a `user_upserted`",
    ),
    (
        event("page_followed", "p1", user_id=1, page_id=98),
        "unknown_page (page_id=98): the page is in a `page_upserted`",
    ),
    (
        event("group_joined", "g1", user_id=1, group_id=97),
        "unknown_group (group_id=97): the group is in a `group_upserted`",
    ),
    (engagement("e3", 2, 96), "unknown_post (post_id=96): the post is in a `post_created` or `post_updated`"),
    (ad(5, 95, 10), "unknown_campaign (campaign_id=95): the campaign of an ad is in a `campaign_upserted`"),
    (
        impression("i3", 2, 10, ad_id=94),
        "unknown_ad (ad_id=94): the ad of an impression or engagement is in an `ad_upserted`",
    ),
    (
        event("user_blocked", "b1", user_id=2, blocked_id=2),
        "self_edge (blocked_id=2): a friendship or a block is between two users",
    ),
    (
        session("s", 2, ended_at=LONG_AGO),
        "ends_before_start (ended_at=2026-03-04 00:00:00): a session or a campaign does not end before it starts",
    ),
    (
        post(11, 1, at=BEFORE, created_at=NOON),
        f"before_creation (created_at=2026-03-08 12:00:00): {REFUSALS['before_creation']}",
    ),
]


def test_contract_messages(spark: SparkSession, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    landing = tmp_path / "landing"
    land(landing, DS, [*GOOD, *(line for line, _ in VIOLATIONS)])
    expected = [f"{DS}/events.jsonl:{at}: {message}" for at, (_, message) in enumerate(VIOLATIONS, start=len(GOOD) + 1)]
    violations, num_lines = find_violations(spark, str(landing), tmp_path)
    assert [describe(row) for row in violations.collect()] == expected
    # Whom a lake has erased, a landing area cannot tell: tests/spark_jobs/ingest/test_erased_lines.py.
    told = [reason for reason in REFUSALS if reason != "erased_user"]
    assert [message.split()[0].strip(":") for _, message in VIOLATIONS] == told, "each reason once, in order"
    assert report(violations, num_lines) == 1
    output, progress = capsys.readouterr()
    assert f"{len(GOOD) + len(VIOLATIONS)} lines: {len(GOOD)} accepted, {len(VIOLATIONS)} refused" in output
    assert "18/18 silver.content_labels: done in" in progress
    with capsys.disabled():
        print(f"\n{output}")


def test_what_is_no_landing_area_is_said(tmp_path: Path) -> None:
    command = [sys.executable, str(ROOT / "spark_jobs" / "validate_landing.py"), "--landing", str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=120)
    assert done.returncode == 2
    assert f"{tmp_path}: no folder named YYYY-MM-DD" in done.stderr
