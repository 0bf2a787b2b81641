"""Facts of the Quantum Computing dump that must survive the adapter, from the data's own description."""

import json
import xml.etree.ElementTree as ET
from collections import Counter
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from pyspark.sql import SparkSession

from contracts.landing import ENVELOPE, EVENT_TYPES
from contracts.settings import parse_dataset
from spark_jobs.adapt.stackexchange import adapt
from spark_jobs.night.night import newest_day

DUMP = Path(__file__).resolve().parents[3] / "../shared/data/stackexchange_quantum"
TYPES: dict[str, type] = {"long": int, "int": int, "string": str, "strings": list, "timestamp": str}

Events = list[dict[str, Any]]


@pytest.fixture(scope="module")
def landing(spark: SparkSession, tmp_path_factory: pytest.TempPathFactory) -> Path:
    if not DUMP.exists():
        pytest.skip(f"{DUMP} is absent")
    folder = tmp_path_factory.mktemp("stackexchange") / "landing"
    adapt(spark, str(DUMP), folder)
    return folder


@pytest.fixture(scope="module")
def events(landing: Path) -> Events:
    return [json.loads(line) for path in landing.glob("*/*.jsonl") for line in path.open()]


def of_type(events: Events, event_type: str, **wanted: str) -> Events:
    return [e for e in events if e["event_type"] == event_type and all(e.get(k) == v for k, v in wanted.items())]


def faults(event: dict[str, Any]) -> Iterator[str]:
    for field in (*ENVELOPE, *EVENT_TYPES[event["event_type"]]):
        value = event.get(field.name)
        if value is None:
            if field.required:
                yield field.name
            continue
        assert isinstance(value, TYPES[field.type]), (field, value)
        assert not field.allowed or value in field.allowed
        if field.type == "timestamp":
            assert datetime.fromisoformat(str(value)).utcoffset() is not None


def test_user_level_events(events: Events) -> None:
    engagements = [e for e in of_type(events, "engagement") if "user_id" in e]
    assert Counter(e["detail"] for e in engagements) == {
        "comment": 3412,
        "answer": 1059,
        "favourite": 710,
        "bounty": 22,
    }
    assert len({e["user_id"] for e in engagements}) == 509
    assert len({e["post_id"] for e in engagements}) == 1162


def test_post_level_events(events: Events) -> None:
    counts = Counter(e["engagement_type"] for e in of_type(events, "reaction"))
    assert counts == {"like": 10_103, "dislike": 668, "accept": 390, "report": 3, "comment": 2}


def test_users_posts_pages_and_edges(events: Events) -> None:
    assert len(of_type(events, "user_upserted")) == 3461
    assert len(of_type(events, "post_created")) == 1986
    assert len(of_type(events, "page_upserted")) == 334
    follows = of_type(events, "page_followed")
    assert len({(e["user_id"], e["page_id"]) for e in follows}) == len(follows) == 1771


def test_posts_with_images_name_them(events: Events) -> None:
    with_media = [e for e in of_type(events, "post_created") if "media" in e]
    rows = ET.parse(DUMP / "Posts.xml").getroot()  # noqa: S314 - a file of the test data
    images = {int(row.attrib["Id"]): row.attrib["Body"].count("<img ") for row in rows}
    assert {e["post_id"]: e["media_count"] for e in with_media} == {post: n for post, n in images.items() if n}
    assert len(with_media) == 171
    assert all(e["text"] for e in with_media), "none is a blank card"


def test_windows_follow_the_site(landing: Path) -> None:
    chosen = parse_dataset((landing / "dataset.json").read_text())
    print(chosen)
    assert not chosen.has_impressions
    assert 100 < chosen.training_days < 180, "5,203 engagements in half a year"
    assert chosen.holdout_days == chosen.calibration_days == round(chosen.training_days / 7)
    assert 14 <= chosen.candidate_hours / 24 <= 21, "some eleven posts a day"


def test_score_is_upvotes_minus_downvotes_on_every_post(events: Events) -> None:
    rows = ET.parse(DUMP / "Posts.xml").getroot()  # noqa: S314 - a file of the test data
    scores = {row.attrib["Id"]: int(row.attrib["Score"]) for row in rows}
    votes: Counter[str] = Counter()
    for event in of_type(events, "reaction"):
        votes[str(event["post_id"])] += {"like": 1, "dislike": -1}.get(event["engagement_type"], 0)
    assert len(scores) == 1986
    assert {post: votes[post] for post in scores} == scores


def test_dirt_is_587_votes_on_posts_that_are_gone(events: Events) -> None:
    assert [(e["event_type"], name) for e in events for name in dict.fromkeys(faults(e))] == []
    posts = {e["post_id"] for e in of_type(events, "post_created")}
    orphans = [e for e in events if "post_id" in e and e["post_id"] not in posts]
    assert len(orphans) == 587
    assert all(e["event_id"].startswith("se-vote-") for e in orphans)


def test_events_on_the_two_ownerless_posts_are_few_and_known(events: Events) -> None:
    nobodys = [e for e in of_type(events, "post_created") if "author_id" not in e]
    assert [(e["source_type"], "source_id" in e) for e in nobodys] == [("friend", False)] * 2
    ownerless = {e["post_id"] for e in nobodys}
    touching = [e for e in events if e.get("post_id") in ownerless and e["event_type"] != "post_created"]
    assert Counter(e["detail"] for e in touching) == {
        "upvote": 13,
        "comment": 6,
        "answer": 3,
        "approve_edit_suggestion": 1,
    }


def test_no_event_precedes_its_author_or_its_post(events: Events) -> None:
    signup = {e["user_id"]: e["event_time"] for e in of_type(events, "user_upserted")}
    created = {e["post_id"]: e["event_time"] for e in of_type(events, "post_created")}
    for event in events:
        for name in ("user_id", "author_id", "owner_id"):
            assert signup.get(event.get(name), "") <= event["event_time"]
        assert created.get(event.get("post_id"), "") <= event["event_time"]


def test_the_last_night_is_the_day_of_the_last_vote(landing: Path) -> None:
    assert newest_day(str(landing)).isoformat() == "2018-09-02"
