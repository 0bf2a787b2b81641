import json
from pathlib import Path
from typing import Any

import pytest
from pyspark.sql import SparkSession

from contracts.settings import parse_dataset
from spark_jobs.adapt.stackexchange import adapt
from spark_jobs.night.night import newest_day

FILES = {
    "Users": """
  <row Id="1" CreationDate="2018-03-09T08:00:00.000" DisplayName="null" Location="Delft &amp; Leiden" />
  <row Id="2" CreationDate="2018-03-12T12:00:00.000" DisplayName="Béa" />
  <row Id="3" CreationDate="2018-03-10T08:00:00.000" DisplayName="C" />""",
    "Posts": """
  <row Id="10" PostTypeId="1" CreationDate="2018-03-11T09:00:00.500" OwnerUserId="1" Title="Why?"
       Body="&lt;p&gt;Because&lt;/p&gt;&#xA;" Tags="&lt;q#&gt;&lt;qubit&gt;" />
  <row Id="11" PostTypeId="2" ParentId="10" CreationDate="2018-03-12T10:00:00.000" OwnerUserId="2" Body="So" />
  <row Id="12" PostTypeId="2" ParentId="10" CreationDate="2018-03-12T11:00:00.000" Body="Gone owner" />
  <row Id="13" PostTypeId="5" CreationDate="2018-03-12T11:30:00.000" OwnerUserId="3" Body="" />
  <row Id="14" PostTypeId="2" ParentId="10" CreationDate="2018-03-12T12:00:00.000" OwnerUserId="3"
       Body="&lt;p&gt;&lt;img src=&quot;https://i.example/a.png&quot; alt=&quot;a &amp;amp; b&quot;&gt;&lt;br&gt;
       &lt;a href=&quot;https://i.example/b.png&quot;&gt;&lt;img src=&quot;https://i.example/b.png&quot;
       alt=&quot;enter image description here&quot;&gt;&lt;/a&gt;&lt;/p&gt;" />""",
    "Comments": """
  <row Id="20" PostId="10" CreationDate="2018-03-13T01:00:00.000" UserId="2" Text="x" />
  <row Id="21" PostId="10" CreationDate="2018-03-13T02:00:00.000" UserId="1" Text="on my own post" />
  <row Id="22" PostId="12" CreationDate="2018-03-13T03:00:00.000" UserId="3" Text="on an ownerless post" />
  <row Id="23" PostId="11" CreationDate="2018-03-13T04:00:00.000" Text="by nobody" />""",
    "Votes": """
  <row Id="30" PostId="10" VoteTypeId="2" CreationDate="2018-03-14T00:00:00.000" />
  <row Id="31" PostId="10" VoteTypeId="3" CreationDate="2018-03-14T00:00:00.000" />
  <row Id="32" PostId="11" VoteTypeId="1" CreationDate="2018-03-14T00:00:00.000" />
  <row Id="33" PostId="10" VoteTypeId="5" UserId="3" CreationDate="2018-03-14T00:00:00.000" />
  <row Id="34" PostId="10" VoteTypeId="8" UserId="3" CreationDate="2018-03-14T00:00:00.000" />
  <row Id="35" PostId="99" VoteTypeId="12" CreationDate="2018-03-14T00:00:00.000" />
  <row Id="36" PostId="99" VoteTypeId="10" CreationDate="2018-03-14T00:00:00.000" />
  <row Id="37" PostId="10" VoteTypeId="77" CreationDate="2018-03-15T00:00:00.000" />""",
}


def write_dump(folder: Path, **changed: str) -> Path:
    folder.mkdir(exist_ok=True)
    for name, rows in FILES.items():
        rows_per_line = rows.replace("\n       ", " ")
        root = name.lower()
        text = f'\ufeff<?xml version="1.0" encoding="utf-8"?>\n<{root}>{rows_per_line}\n</{root}>\n'
        (folder / f"{name}.xml").write_text(changed.get(name, text))
    return folder


def read_events(landing: Path) -> dict[str, dict[str, Any]]:
    events: dict[str, dict[str, Any]] = {}
    for path in sorted(landing.glob("*/stackexchange-*.jsonl")):
        for line in path.read_text().splitlines():
            event = json.loads(line)
            assert path.parent.name == event["received_at"][:10]
            assert event["event_id"] not in events
            events[event["event_id"]] = event
    return events


@pytest.fixture(scope="module")
def landing(spark: SparkSession, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("small")
    adapt(spark, str(write_dump(folder / "dump")), folder / "landing")
    return folder / "landing"


def test_every_row_becomes_its_event(landing: Path) -> None:
    events = read_events(landing)
    assert events["se-user-1"] == {
        "event_id": "se-user-1",
        "event_type": "user_upserted",
        "event_time": "2018-03-09T08:00:00.000Z",
        "received_at": "2018-03-09T08:00:00.000Z",
        "user_id": 1,
        "name": "null",
        "signup_at": "2018-03-09T08:00:00.000Z",
        "country": "Delft & Leiden",
    }
    assert events["se-user-2"]["signup_at"] == "2018-03-12T10:00:00.000Z", "a migrated post precedes the account"
    assert events["se-post-10"] == {
        "event_id": "se-post-10",
        "event_type": "post_created",
        "event_time": "2018-03-11T09:00:00.500Z",
        "received_at": "2018-03-11T09:00:00.500Z",
        "post_id": 10,
        "author_id": 1,
        "source_type": "page",
        "source_id": 1,
        "content_type": "status",
        "text": "Why?\nBecause",
        "privacy": "public",
        "created_at": "2018-03-11T09:00:00.500Z",
        "hashtags": ["q#", "qubit"],
    }
    assert events["se-post-11"]["hashtags"] == ["q#", "qubit"], "an answer carries its question's tags"
    assert events["se-post-13"]["text"] == ""
    assert events["se-post-13"]["hashtags"] == []
    nobodys = events["se-post-12"]
    assert ("author_id" in nobodys, "source_id" in nobodys, nobodys["source_type"]) == (False, False, "friend")
    for anonymous in ("se-comment-23", "se-answer-12"):
        assert (events[anonymous]["event_type"], "user_id" in events[anonymous]) == ("reaction", False)
        assert events[anonymous]["engagement_type"] == "comment"
    picture = events["se-post-14"]
    assert (picture["content_type"], picture["text"]) == ("photo", "[image: a & b]\n[image]"), "no blank card"
    assert (picture["media_count"], picture["media"]) == (2, ["https://i.example/a.png", "https://i.example/b.png"])
    answer = events["se-answer-11"]
    assert (answer["user_id"], answer["post_id"], answer["detail"]) == (2, 10, "answer")
    assert {e["page_id"]: e["event_time"] for e in events.values() if e["event_type"] == "page_upserted"} == {
        1: "2018-03-11T09:00:00.500Z",
        2: "2018-03-12T10:00:00.000Z",
        3: "2018-03-12T11:30:00.000Z",
    }
    follows = [event for event in events.values() if event["event_type"] == "page_followed"]
    assert {f["event_id"]: f["event_time"] for f in follows} == {
        "se-follow-2-1": "2018-03-12T10:00:00.000Z",
        "se-follow-3-1": "2018-03-12T12:00:00.000Z",
    }


def test_votes_are_stamped_at_the_end_of_their_day_and_named(landing: Path) -> None:
    votes = {key: event for key, event in read_events(landing).items() if key.startswith("se-vote-")}
    shown = {
        key.removeprefix("se-vote-"): (v["event_type"], v.get("engagement_type"), v["detail"], v.get("user_id"))
        for key, v in votes.items()
    }
    assert shown == {
        "30": ("reaction", "like", "upvote", None),
        "31": ("reaction", "dislike", "downvote", None),
        "32": ("reaction", "accept", "accept", None),
        "33": ("engagement", "like", "favourite", 3),
        "34": ("engagement", "share", "bounty", 3),
        "35": ("reaction", "report", "spam", None),
        "36": ("moderation", None, "deletion", None),
        "37": ("moderation", None, "vote_type_77", None),
    }
    assert votes["se-vote-30"]["event_time"] == "2018-03-14T23:59:59.000Z"
    assert newest_day(str(landing)).isoformat() == "2018-03-15"


def test_running_twice_gives_the_same_files(spark: SparkSession, tmp_path: Path) -> None:
    dump, landing = str(write_dump(tmp_path / "dump")), tmp_path / "landing"

    def contents() -> dict[str, bytes]:
        return {str(path.relative_to(landing)): path.read_bytes() for path in landing.rglob("*") if path.is_file()}

    adapt(spark, dump, landing)
    first = contents()
    (landing / "2018-03-14" / "stackexchange-00001.jsonl").write_text("left by an earlier, larger run\n")
    adapt(spark, dump, landing)
    assert contents() == first
    assert parse_dataset((landing / "dataset.json").read_text()).has_impressions is False


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        ("hello\n", "not a row of a Stack Exchange dump: 'hello'"),
        ('<votes>\n  <row Id="1" CreationDate=\n</votes>\n', "not a row"),
        (
            '<votes>\n  <row Id="x" CreationDate="2018-03-14T00:00:00.000" />\n</votes>\n',
            "CreationDate, Id x",
        ),
        ('<votes>\n  <row Id="1" CreationDate="yesterday" />\n</votes>\n', "CreationDate, Id 1"),
        ('<votes>\n  <row Id="1" CreationDate="2018-03-14T00:00:00.000" />\n', "ends before its closing tag"),
        ("", "ends before its closing tag"),
    ],
)
def test_a_file_that_is_no_dump_is_named(spark: SparkSession, tmp_path: Path, content: str, complaint: str) -> None:
    dump = write_dump(tmp_path / "dump", Votes=content)
    with pytest.raises(ValueError, match=r"Votes\.xml") as caught:
        adapt(spark, str(dump), tmp_path / "landing")
    assert complaint in str(caught.value)


def test_a_missing_file_is_named(spark: SparkSession, tmp_path: Path) -> None:
    dump = write_dump(tmp_path / "dump")
    (dump / "Comments.xml").unlink()
    with pytest.raises(FileNotFoundError, match=r"Comments\.xml"):
        adapt(spark, str(dump), tmp_path / "landing")
