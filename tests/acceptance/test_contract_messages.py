"""Each violation of the landing contract, landed once, is reported with file, line, value and rule.

What ``validate_landing`` says is what a night does: both judge the same lines, and both tell the same.
"""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from pyspark.sql import SparkSession

from contracts.landing import REFUSALS
from contracts.pipeline import tables_of
from contracts.settings import Settings
from spark_jobs.night.lake import Lake
from spark_jobs.night.night import Night
from spark_jobs.night.run import run_job
from spark_jobs.validate.validate_landing import check_area, messages, report
from tests.landed import DS, NOON, Event, ad, campaign, engagement, event, impression, land, post, session, user
from tests.odd_lines import nested, with_raw

ROOT = Path(__file__).resolve().parents[2]
AFTER, BEFORE, LONG_AGO = "2026-03-09T01:00:00Z", "2026-03-08T11:00:00Z", "2026-03-04T00:00:00Z"
GOOD: list[Event | str] = [
    "\ufeff" + json.dumps(user(1)),
    user(2),
    post(10, 1),
    impression("i", 2, 10),
    with_raw('"\\ud83d\\ude00"'),
    nested(1000).replace("user_upserted-1", "deep"),
]
LATIN = json.dumps(user(5, name="Andr@")).encode().replace(b"@", b"\xe9")
VIOLATIONS: list[tuple[Event | str | bytes, str]] = [
    (LATIN, 'not_utf8 (byte 159 is 0xe9, after d": 5, "name": "Andr: write the file in UTF-8)'),
    ('{"event_id": "cut', 'malformed_json (character 14: unterminated string, found "cut)'),
    (with_raw("NaN"), "malformed_json (character 412: expecting value, found NaN})"),
    (nested(1001), "beyond_limits (nested 1,001 levels deep, must be at most 1,000)"),
    (with_raw('1, "mood": 2'), 'duplicate_key ("mood")'),
    (user(6, name="half \udc00 name"), 'lone_surrogate (name="half \\udc00 name")'),
    (with_raw('["\\ud83d"]'), 'lone_surrogate (mood=["\\ud83d"])'),
    ("[1, 2]", "not_an_object ([1, 2])"),
    (user(3, name=None), "missing_field (name=null)"),
    ({"event_type": "session"}, "missing_field (event_id)"),
    (user(2**63), f"wrong_type (user_id={2**63}, must be a 64-bit integer)"),
    (with_raw("1e400", "birth_year"), "wrong_type (birth_year=1e400, must be a 32-bit integer)"),
    (
        user(3, signup_at="Sunday"),
        'wrong_type (signup_at="Sunday", must be a time like 2026-03-08T12:00:00Z, 1970 to 2099)',
    ),
    (user(3, gender=1), "wrong_type (gender=1, must be a text)"),
    (event("teleport", "t"), 'unknown_event_type (event_type="teleport")'),
    (session("s0", 2, connection="wires"), 'value_not_allowed (connection="wires", must be wifi, cellular or wired)'),
    (campaign(7, 1, budget=-1), "value_out_of_range (budget=-1, must be at least 0)"),
    (post(12, 1, text="x" * 63_207), "value_out_of_range (text of 63207 characters, must be at most 63206 characters)"),
    (user(4, at=AFTER), f'future_event (received_at="{AFTER}", must be on the folder\'s day {DS} or before)'),
    (
        user(4) | {"event_time": AFTER},
        f'future_event (event_time="{AFTER}", must be at most 300 s after received_at="{NOON}")',
    ),
    (
        engagement("e2", 2, 10) | {"event_time": LONG_AGO},
        f'too_late (event_time="{LONG_AGO}", must be at most 3 days before received_at="{NOON}")',
    ),
    (user(2), f"duplicate_event (event_id=user-2, first in {DS}/events.jsonl:2)"),
    (event("friendship_created", "f1", user_id=1, friend_id=99), "unknown_user (friend_id=99)"),
    (event("page_followed", "p1", user_id=1, page_id=98), "unknown_page (page_id=98)"),
    (event("group_joined", "g1", user_id=1, group_id=97), "unknown_group (group_id=97)"),
    (engagement("e3", 2, 96), "unknown_post (post_id=96)"),
    (engagement("e4", 2, 12), "withheld_post (post_id=12)"),
    (ad(5, 95, 10), "unknown_campaign (campaign_id=95)"),
    (impression("i3", 2, 10, ad_id=94), "unknown_ad (ad_id=94)"),
    (event("user_blocked", "b1", user_id=2, blocked_id=2), "self_edge (blocked_id=2)"),
    (session("s", 2, ended_at=LONG_AGO), f'ends_before_start (ended_at="{LONG_AGO}")'),
    (post(11, 1, at=BEFORE, created_at=NOON), f'before_creation (created_at="{NOON}")'),
]


def land_violations(folder: Path) -> Path:
    lines = [*GOOD, *(line for line, _ in VIOLATIONS)]
    texts = [line if isinstance(line, (str, bytes)) else json.dumps(line) for line in lines]
    path = land(folder / "landing", DS, [])
    path.write_bytes(b"".join((text.encode() if isinstance(text, str) else text) + b"\n" for text in texts))
    return folder / "landing"


def test_contract_messages(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    facts, violations, unread = check_area(str(land_violations(tmp_path)))
    assert unread == []
    lines = list(messages(facts, violations))
    assert lines == [
        f"{DS}/events.jsonl:{at}: {message}: {REFUSALS[message.split()[0]]}"
        for at, (_, message) in enumerate(VIOLATIONS, start=len(GOOD) + 1)
    ]
    # Whom a lake has erased, a landing area cannot tell: tests/spark_jobs/ingest/test_erased_lines.py.
    reasons = dict.fromkeys(message.split()[0] for _, message in VIOLATIONS)
    assert list(reasons) == [reason for reason in REFUSALS if reason != "erased_user"], "each reason, in order"
    assert report(facts, violations, unread) == 1
    output = capsys.readouterr().out
    counts = f"{len(GOOD) + len(VIOLATIONS)} lines of 1 file: {len(GOOD)} accepted, {len(VIOLATIONS)} refused"
    assert counts in output
    with capsys.disabled():
        print(f"\n{output}")


@pytest.mark.slow
def test_contract_messages_are_what_a_night_refuses(spark: SparkSession, tmp_path: Path) -> None:
    landing = land_violations(tmp_path)
    night = Night(Lake(spark, str(tmp_path / "lake")), DS, str(landing), tmp_path / "runs", Settings())
    for table in (*tables_of("ingest"), *tables_of("clean")):
        run_job(night, table)
    refused = night.read("bronze.quarantine").orderBy("line").collect()
    _, violations, _ = check_area(str(landing))
    columns = ("line", "reason", "detail")
    assert [tuple(row[name] for name in columns) for row in refused] == [
        tuple(row[name] for name in columns) for row in violations.to_pylist()
    ]
    assert night.read("bronze.events").where(f"line <= {len(GOOD)}").count() == len(GOOD)


def run(*command: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=120, cwd=ROOT)


def test_contract_messages_what_is_no_landing_area_is_said(tmp_path: Path) -> None:
    done = run(sys.executable, "spark_jobs/validate/validate_landing.py", "--landing", str(tmp_path))
    assert done.returncode == 2
    assert done.stderr == f"validate-landing: {tmp_path}: no file <YYYY-MM-DD>/<name>.jsonl, see docs/landing.md\n"


def test_contract_messages_without_an_area_there_is_help_and_no_set_up() -> None:
    done = run("make", "--no-print-directory", "validate-landing")
    assert done.returncode == 2
    assert done.stdout.startswith("make validate-landing LANDING=path\n  names file, line and rule")
    planned = run("make", "--dry-run", "--always-make", "validate-landing").stdout
    assert "install" not in planned
