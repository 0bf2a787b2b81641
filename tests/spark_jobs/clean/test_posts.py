from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any

import pytest
from pyspark.sql import DataFrame, Row, SparkSession

from spark_jobs.clean import post_edits, posts, users
from spark_jobs.clean.post_history import check_versions, event_versions
from spark_jobs.clean.references import accepted
from spark_jobs.night.gate.gate import run_gate
from spark_jobs.night.lake import checksum
from spark_jobs.night.night import Night
from spark_jobs.night.writers import append_rows
from tests.landed import NOON, Event, bronze_rows, event, moment, naive, post, user
from tests.silver_rows import at, put, silver
from tests.written_posts import clean_posts, deletion, edit

EARLY, LATE, LATER = "2026-03-08T01:00:00Z", "2026-03-08T13:00:00Z", "2026-03-08T14:00:00Z"
TABLES = ("silver.posts", "silver.post_edits")


def test_posts_keep_their_latest_version_and_their_tombstones(make_night: Callable[..., Night]) -> None:
    night = make_night()
    old = post(1, 1, "a", NOON, text="old", source_id=77)
    rows = [
        user(1),
        old,
        edit(old, "b", LATE, LATER, text="new", hashtags=["Food"], created_at=NOON),
        post(2, 1, "c", NOON),
        deletion(2, "d", LATE, LATER),
        post(3, 9, "e"),
        post(4, 1, "f", source_type="page", source_id=50),
        post(5, 1, "g", source_type="group", source_id=60),
        event("post_deleted", "h", post_id=6),
    ]
    append_rows(night.lake, "bronze.events", bronze_rows(night.spark, rows))
    users.main(night)
    post_edits.main(night)  # a night that was killed between the two tables
    for job in (post_edits, posts):
        job.main(night)
    once = [checksum(night.read(name)) for name in TABLES]
    for job in (post_edits, posts):
        job.main(night)
    assert [checksum(night.read(name)) for name in TABLES] == once
    kept = {row["post_id"]: row for row in night.read("silver.posts").collect()}
    assert set(kept) == {1, 2}
    new = kept[1]
    assert (new["text"], new["hashtags"], new["source_id"], new["is_deleted"]) == ("new", ["food"], 1, False)
    assert (new["created_at"], new["updated_at"], new["received_at"]) == (naive(NOON), naive(LATE), naive(NOON))
    assert (new["version_received_at"], new["came_first"], new["event_id"]) == (naive(LATER), False, "b")
    assert (new["mentions"], new["audience"], new["media_count"]) == ([], [], 0)
    deleted = kept[2]
    assert (deleted["is_deleted"], deleted["updated_at"], deleted["came_first"]) == (True, naive(NOON), True)
    assert (deleted["deleted_at"], deleted["deletion_received_at"]) == (naive(LATE), naive(LATER))
    [before] = night.read("silver.post_edits").collect()
    assert (before["post_id"], before["text"], before["source_id"], before["came_first"]) == (1, "old", 1, True)
    assert (before["updated_at"], before["received_at"]) == (naive(NOON), naive(NOON))
    assert (before["superseded_at"], before["superseded_received_at"]) == (naive(LATE), naive(LATER))
    refused = night.read("bronze.quarantine").orderBy("event_id").collect()
    assert [(row["event_id"], row["reason"], row["detail"]) for row in refused] == [
        ("e", "unknown_user", "author_id=9"),
        ("f", "unknown_page", "source_id=50"),
        ("g", "unknown_group", "source_id=60"),
        ("h", "unknown_post", "post_id=6"),
    ]
    assert all(run_gate(night, name)["success"] for name in TABLES)


def test_late_versions_neither_win_nor_raise_the_dead(spark: SparkSession) -> None:
    known = clean_posts(spark, [post(1, 1, "a", NOON, text="new"), event("post_deleted", "b", post_id=1)])
    earlier = post(1, 1, "c", EARLY, LATE, text="old")
    now = clean_posts(spark, [earlier], known)
    [row] = now[0].collect()
    assert (row["text"], row["is_deleted"], row["received_at"]) == ("new", True, naive(NOON))
    [row] = now[1].collect()
    assert (row["text"], row["came_first"], row["superseded_at"]) == ("old", False, naive(NOON))
    newest = post(1, 1, "d", LATE, text="newest")
    [row] = clean_posts(spark, [newest], now)[0].collect()
    assert (row["text"], row["is_deleted"], row["received_at"]) == ("newest", True, naive(NOON))


def random_histories(seed: int, num_posts: int) -> list[Event]:
    """Posts of up to five versions and two deletions on a grid of minutes, so that many happen or come at once."""
    random = Random(seed)

    def minute(number: int) -> str:
        return (datetime(2026, 3, 8, 12, tzinfo=UTC) + timedelta(minutes=number)).isoformat()

    events = []
    for post_id in range(num_posts):
        for number in range(random.randint(1, 5)):
            made = random.randint(0, 4)
            received = minute(made + random.choice([0, 0, 1, 4]))
            name = f"{post_id}-{random.randint(0, 9)}-{number}"
            events.append(post(post_id, 1, name, minute(made), received, text=name, created_at=NOON))
        for number in range(random.choice([0, 0, 1, 2])):
            made = random.randint(0, 6)
            received = minute(made + random.randint(0, 3))
            events.append(deletion(post_id, f"{post_id}-gone-{number}", minute(made), received))
    return events


def by_the_rule(events: list[Event]) -> tuple[set[tuple[Any, ...]], set[tuple[Any, ...]]]:
    """What the two tables should hold: one post after the other, one version after the other."""

    def times(row: Event) -> tuple[datetime, datetime]:
        return moment(row["event_time"]), moment(row["received_at"])

    def seen(made: datetime, received: datetime) -> datetime:
        return max(made + timedelta(microseconds=1), received)

    latest, earlier = set(), set()
    for post_id in {row["post_id"] for row in events}:
        own = [row for row in events if row["post_id"] == post_id]
        created = [row for row in own if row["event_type"] == "post_created"]
        deletions = [times(row) for row in own if row["event_type"] == "post_deleted"]
        versions = {row["event_time"]: row for row in sorted(created, key=lambda row: str(row["event_id"]))}
        ordered = [versions[made] for made in sorted(versions)]
        first = min(ordered, key=lambda row: (seen(*times(row)), -times(row)[0].timestamp()))
        arrived = min(times(row)[1] for row in created)
        deleted = min(deletions, key=lambda pair: (seen(*pair), pair[1], pair[0]), default=(None, None))
        for place, row in enumerate(ordered):
            as_read = (post_id, row["text"], *times(row), row is first)
            later = [times(other) for other in ordered[place + 1 :]]
            if later:
                next_ = min(later, key=lambda pair: (seen(*pair), pair[1], pair[0]))
                earlier.add((*as_read, *next_))
            else:
                latest.add((*as_read, arrived, bool(deletions), *deleted))
    return latest, earlier


def rows_of(frame: DataFrame, *columns: str) -> set[tuple[Any, ...]]:
    def plain(value: Any) -> Any:
        return value.astimezone(UTC) if isinstance(value, datetime) else value

    return {tuple(plain(value) for value in row) for row in frame.select(*columns).collect()}


def merged(keys: tuple[str, ...], old: list[Row], new: list[Row]) -> list[Row]:
    return list({tuple(row[key] for key in keys): row for row in (*old, *new)}.values())


@pytest.mark.parametrize("order", ["backwards", "shuffled, some twice"])
def test_the_order_of_arrival_does_not_matter(spark: SparkSession, order: str) -> None:
    events = sorted(random_histories(7, 150), key=lambda row: str(row["event_time"]))
    nights = [events[: len(events) // 2], events[len(events) // 2 :]]
    if order == "backwards":
        nights.reverse()
    else:
        shuffled = Random(1).sample(events, len(events))
        nights = [shuffled[: len(events) // 2], shuffled[len(events) // 3 :]]
    latest: list[Row] = []
    earlier: list[Row] = []
    for night in nights:
        # A deletion is refused while its post is unknown, and tried again.
        night += [row for row in nights[0] if row["event_type"] == "post_deleted" and row not in night]
        here = {row["post_id"] for row in night if row["event_type"] == "post_created"}
        here |= {row.post_id for row in latest}
        known = silver(spark, "silver.posts", [row.asDict() for row in latest])
        edits = silver(spark, "silver.post_edits", [row.asDict() for row in earlier])
        arrived = [row for row in night if row["post_id"] in here]
        now, replaced = (frame.collect() for frame in clean_posts(spark, arrived, (known, edits)))
        latest = merged(("post_id",), latest, now)
        earlier = merged(("post_id", "updated_at"), earlier, replaced)
    version = ("post_id", "text", "updated_at")
    got = rows_of(
        silver(spark, "silver.posts", [row.asDict() for row in latest]),
        *(*version, "version_received_at", "came_first", "received_at", "is_deleted"),
        *("deleted_at", "deletion_received_at"),
    )
    replaced_ = rows_of(
        silver(spark, "silver.post_edits", [row.asDict() for row in earlier]),
        *(*version, "received_at", "came_first", "superseded_at", "superseded_received_at"),
    )
    expected = by_the_rule(events)
    assert len(expected[1]) > 150
    assert got == expected[0]
    assert replaced_ == expected[1]


def test_a_post_may_have_no_author_and_one_of_a_page_or_group_needs_its_page_or_group(
    make_night: Callable[..., Night],
) -> None:
    night = make_night()
    put(night.lake, "silver.users", [{"user_id": 1, "valid_from": at(1)}])
    put(night.lake, "silver.pages", [{"page_id": 1, "owner_id": 1, "updated_at": at(1)}])
    events = [
        post(1, None, source_id=None),
        post(2, None, source_id=77),
        post(3, None, source_type="page", source_id=1),
        post(4, None, source_type="page", source_id=None),
        post(5, 1, source_type="group", source_id=None),
        post(6, 2),
    ]
    checked = check_versions(night, bronze_rows(night.spark, events)).persist()
    refused = checked.where("reason IS NOT NULL").select("post_id", "reason", "detail").collect()
    assert sorted(map(tuple, refused)) == [
        (4, "unknown_page", "source_id=null"),
        (5, "unknown_group", "source_id=null"),
        (6, "unknown_user", "author_id=2"),
    ]
    rows = event_versions(accepted(checked)).select("post_id", "author_id", "source_id").collect()
    assert sorted(map(tuple, rows)) == [(1, None, None), (2, None, None), (3, None, 1)]
