import random
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from spark_jobs.clean import blocks, friendships, page_follows, users
from spark_jobs.clean.intervals import Edge, transform
from spark_jobs.features.interactions import edge_interval
from spark_jobs.night.lake import Lake, checksum
from spark_jobs.night.night import Night
from spark_jobs.night.writers import append_rows
from spark_jobs.rules.point_in_time import on_days
from tests.landed import bronze_rows, event, user
from tests.silver_rows import at, put

EDGE = Edge("silver.page_follows", "page_id", "page_followed", "page_unfollowed")
NEWS = "user_id bigint, page_id bigint, event_type string, event_time timestamp, received_at timestamp"
START = datetime(2026, 3, 1, tzinfo=UTC)

Step = tuple[int, int, bool]
"""Pair, second, whether it opens."""


def news(spark: SparkSession, steps: list[Step]) -> DataFrame:
    rows = [
        (pair, 1, EDGE.opened_by if opens else EDGE.closed_by, moment(at), moment(at + 1)) for pair, at, opens in steps
    ]
    return spark.createDataFrame(rows, NEWS)


def moment(second: int) -> datetime:
    return START + timedelta(seconds=second)


def seconds(frame: DataFrame) -> dict[int, list[tuple[int, int | None]]]:
    intervals: dict[int, list[tuple[int, int | None]]] = {}
    for row in frame.orderBy("user_id", "valid_from").collect():
        start, end = row["valid_from"], row["valid_to"]
        plain = START.replace(tzinfo=None)
        span = (round((start - plain).total_seconds()), end and round((end - plain).total_seconds()))
        intervals.setdefault(row["user_id"], []).append(span)
    return intervals


def expected(steps: list[Step]) -> dict[int, list[tuple[int, int | None]]]:
    """The rule once more, in plain Python."""
    intervals: dict[int, list[tuple[int, int | None]]] = {}
    for pair in {pair for pair, _, _ in steps}:
        instants = sorted({second for other, second, _ in steps if other == pair})
        holds = False
        for start, following in zip(instants, [*instants[1:], None], strict=True):
            opens = (pair, start, True) in steps
            if opens or not holds:
                intervals.setdefault(pair, []).append((start, following if opens else start))
            holds = opens
    return intervals


def test_intervals_by_hand(spark: SparkSession, lake: Lake) -> None:
    steps = [(1, 5, True), (1, 9, False)]
    steps += [(2, 5, True), (2, 7, True), (2, 9, False), (2, 11, False)]
    steps += [(3, 5, False)]
    steps += [(4, 5, True), (4, 5, False)]
    frame = transform(news(spark, steps), lake.read(EDGE.table), EDGE)
    assert seconds(frame) == {1: [(5, 9)], 2: [(5, 7), (7, 9), (11, 11)], 3: [(5, 5)], 4: [(5, None)]}
    assert {row["received_at"] for row in frame.where("user_id = 1").collect()} == {moment(6).replace(tzinfo=None)}


def test_an_interval_has_what_its_opening_said(make_night: Callable[..., Night]) -> None:
    night = make_night()
    night.lake.create("bronze.events")
    lists = {"2026-03-08T01:00:00Z": None, "2026-03-08T02:00:00Z": "family"}
    events = [
        event("friendship_created", at, at, user_id=1, friend_id=2, relation=relation) for at, relation in lists.items()
    ]
    append_rows(night.lake, "bronze.events", bronze_rows(night.spark, [user(1), user(2), *events]))
    for job in (users, friendships):
        job.main(night)
    rows = night.read("silver.friendships").orderBy("user_id", "valid_from").collect()
    assert [(row.user_id, row.relation, row.valid_to is None) for row in rows] == [
        (1, None, False),
        (1, "family", True),
        (2, None, False),
        (2, "family", True),
    ]


STEPS = st.lists(st.tuples(st.integers(1, 12), st.integers(0, 6), st.booleans()), min_size=30, max_size=60)


@settings(max_examples=3, suppress_health_check=list(HealthCheck))
@given(steps=STEPS, seed=st.integers(0, 99))
def test_order_and_lateness_of_arrival_do_not_matter(
    spark: SparkSession, lake: Lake, steps: list[Step], seed: int
) -> None:
    arrivals = random.Random(seed).sample(steps, len(steps))
    openings = [step for step in arrivals if step[2]]
    half = len(arrivals) // 2
    empty = lake.read(EDGE.table)
    # A night that was killed reads its events again.
    first = transform(news(spark, arrivals[:half]), empty, EDGE).localCheckpoint()
    assert seconds(transform(news(spark, arrivals), first, EDGE)) == expected(steps)
    # A later night knows the events of the ones before by their intervals alone.
    pairs = [(pair, 99, False) for pair in range(1, 13)]
    for some, rest in ((arrivals[:half], arrivals[half:]), (openings, []), ([], openings)):
        first = transform(news(spark, some), empty, EDGE).localCheckpoint()
        again = transform(news(spark, [*rest, *pairs]), first, EDGE)
        assert checksum(again) == checksum(transform(news(spark, [*some, *rest, *pairs]), empty, EDGE))
        assert seconds(again) == expected([*some, *rest, *pairs])


LATE = st.lists(
    st.tuples(st.integers(1, 12), st.integers(1, 6), st.booleans(), st.integers(0, 4)), min_size=30, max_size=60
)
"""Pair, day, whether it opens, days until it is received."""


@settings(max_examples=3, suppress_health_check=list(HealthCheck))
@given(steps=LATE)
def test_a_snapshot_holds_the_edges_that_were_known_by_its_midnight(
    spark: SparkSession, lake: Lake, steps: list[tuple[int, int, bool, int]]
) -> None:
    kinds = {True: EDGE.opened_by, False: EDGE.closed_by}
    rows = [(pair, 1, kinds[opens], at(day), at(day + late)) for pair, day, opens, late in steps]
    frame = spark.createDataFrame(rows, NEWS)
    days = [date(2026, 3, day) for day in range(1, 12)]
    # Whether in one night or in two, of which the second knows the first one's events by their intervals as well.
    early = transform(frame.where(F.col("received_at") < F.lit(at(5))), lake.read(EDGE.table), EDGE)
    for intervals in (transform(frame, lake.read(EDGE.table), EDGE), transform(frame, early.localCheckpoint(), EDGE)):
        held = on_days(edge_interval(intervals, F.col("user_id")), days)
        assert sorted((row.ds.day, row.user_id) for row in held.collect()) == known_on_days(steps, days)


def known_on_days(steps: list[tuple[int, int, bool, int]], days: list[date]) -> list[tuple[int, int]]:
    """The rule once more, in plain Python: of the events received by a day, a pair's last one tells."""
    found = []
    for day in days:
        known = [step for step in steps if step[1] + step[3] <= day.day]
        for pair in {step[0] for step in known}:
            last = max(step[1] for step in known if step[0] == pair)
            if any(step[:3] == (pair, last, True) for step in known):
                found.append((day.day, pair))
    return sorted(found)


def test_friendships_hold_in_both_directions_and_bad_edges_are_refused(make_night: Callable[..., Night]) -> None:
    night = make_night()
    rows = [
        user(1),
        user(2),
        event("friendship_created", "a", "2026-03-08T01:00:00Z", user_id=1, friend_id=2),
        event("friendship_removed", "b", "2026-03-08T02:00:00Z", user_id=2, friend_id=1),
        event("friendship_created", "c", user_id=1, friend_id=1),
        event("friendship_created", "d", user_id=1, friend_id=9),
        event("friendship_created", "e", user_id=9, friend_id=1),
        event("user_blocked", "f", user_id=2, blocked_id=2),
        event("user_blocked", "g", user_id=2, blocked_id=1),
        event("page_followed", "h", user_id=2, page_id=2),
    ]
    append_rows(night.lake, "bronze.events", bronze_rows(night.spark, rows))
    put(night.lake, "silver.users", [{"user_id": user_id, "valid_from": START} for user_id in (1, 2)])
    friendships.main(night)
    blocks.main(night)
    page_follows.main(night)
    once = checksum(night.read("silver.friendships"))
    friendships.main(night)
    assert checksum(night.read("silver.friendships")) == once
    friends = night.read("silver.friendships").orderBy("user_id").collect()
    assert [(row["user_id"], row["friend_id"], row["valid_from"].hour, row["valid_to"].hour) for row in friends] == [
        (1, 2, 1, 2),
        (2, 1, 1, 2),
    ]
    assert [(row["user_id"], row["blocked_id"]) for row in night.read("silver.blocks").collect()] == [(2, 1)]
    refused = night.read("bronze.quarantine").orderBy("event_id").collect()
    assert [(row["event_id"], row["reason"], row["detail"]) for row in refused] == [
        ("c", "self_edge", "friend_id=1"),
        ("d", "unknown_user", "friend_id=9"),
        ("e", "unknown_user", "user_id=9"),
        ("f", "self_edge", "blocked_id=2"),
        ("h", "unknown_page", "page_id=2"),
    ]
