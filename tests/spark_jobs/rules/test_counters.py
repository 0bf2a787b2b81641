from datetime import datetime, timedelta
from typing import Any

import numpy as np
import pytest
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from spark_jobs.rules.counters import COUNTERS, WEIGHED, counters_at, counters_before, post_events
from tests.silver_rows import at, silver

KINDS = ("like", "comment", "share", "hide", "report", "dislike", "accept", "click", "bookmark", "view")


def random_log(seed: int, events: int = 400) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Impressions and engagements on six posts whose times tie often and whose arrival is often late."""
    generator = np.random.default_rng(seed)
    start = at(6)
    views, acts = [], []
    for number in range(events):
        moment = start + timedelta(
            minutes=5 * int(generator.integers(0, 60)), microseconds=int(generator.integers(0, 2))
        )
        late = timedelta(minutes=5 * int(generator.choice([0, 0, 0, 1, 12, 60])))
        row: dict[str, Any] = {"user_id": int(generator.integers(1, 9)), "post_id": int(generator.integers(1, 7))}
        row["received_at"] = moment + late
        if generator.random() < 0.4:
            views.append({**row, "impression_id": f"v{number}", "shown_at": moment})
        else:
            kind = str(generator.choice(KINDS))
            acts.append({**row, "engagement_id": f"e{number}", "engagement_type": kind, "engaged_at": moment})
    return views, acts


def random_points(seed: int) -> list[dict[str, Any]]:
    """Instants on the same five-minute grid as the log, so that events fall exactly on them."""
    generator = np.random.default_rng(seed)
    return [
        {
            "name": f"q{n}",
            "post_id": int(generator.integers(1, 9)),
            "instant": at(6) + timedelta(minutes=5 * int(minute)),
        }
        for n, minute in enumerate(generator.integers(0, 150, 80))
    ]


def naive_counters(log: DataFrame, points: DataFrame, delay: timedelta = timedelta(0)) -> dict[str, tuple[int, ...]]:
    """The rule word for word, as a range join; ``delay`` breaks it on purpose."""
    moment = F.col("event_time") + F.lit(delay)
    seen = points.alias("p").join(
        log.alias("e"),
        (F.col("p.post_id") == F.col("e.post_id"))
        & (moment < F.col("instant"))
        & (F.col("received_at") + F.lit(delay) <= F.col("instant")),
        "left",
    )
    kinds = (("impression",), ("like",), ("comment",), ("share",), ("hide", "report", "dislike"))
    counts = [F.count(F.when(F.col("kind").isin(*kind), 1)) for kind in kinds]
    return {row[0]: tuple(row[1:]) for row in seen.groupBy("name").agg(*counts).collect()}


@pytest.mark.parametrize("seed", [1, 2])
def test_counters_at_agrees_with_a_range_join(spark: SparkSession, seed: int) -> None:
    views, acts = random_log(seed)
    log = post_events(silver(spark, "silver.impressions", views), silver(spark, "silver.engagements", acts)).cache()
    points = spark.createDataFrame(random_points(seed + 100)).cache()
    counted = counters_at(log, points).collect()
    got = {row["name"]: tuple(row[name] for name in COUNTERS) for row in counted}
    assert got == naive_counters(log, points)
    assert max(row["num_likes"] for row in counted) > 3
    # The comparison would notice a leak of one minute.
    assert got != naive_counters(log, points, timedelta(minutes=1))
    assert got != naive_counters(log, points, -timedelta(microseconds=1))


def test_an_event_at_the_instant_is_not_visible_and_one_received_at_it_is(spark: SparkSession) -> None:
    acts = [
        {"engagement_id": "tie", "engaged_at": at(6, 12)},
        {"engagement_id": "just before", "engaged_at": at(6, 11, 59, 59, 999_999)},
        {"engagement_id": "received at it", "engaged_at": at(6, 11), "received_at": at(6, 12)},
        {"engagement_id": "received after", "engaged_at": at(6, 11), "received_at": at(6, 12, 0, 0, 1)},
        {"engagement_id": "clock ahead", "engaged_at": at(6, 12, 0, 1), "received_at": at(6, 11)},
    ]
    rows = [{"post_id": 1, "engagement_type": "like", **act} for act in acts]
    log = post_events(silver(spark, "silver.impressions"), silver(spark, "silver.engagements", rows))
    points = spark.createDataFrame([(1, at(6, 12)), (2, at(6, 12))], "post_id BIGINT, instant TIMESTAMP")
    counted = {row["post_id"]: row["num_likes"] for row in counters_at(log, points).collect()}
    assert counted == {1: 2, 2: 0}


def test_an_opened_post_is_not_one_that_was_shown_and_anonymous_comments_count(spark: SparkSession) -> None:
    kinds = ("view", "view", "view", "bookmark", "comment", "comment")
    acts = [
        {"engagement_id": f"e{n}", "user_id": None if n == 5 else 1, "post_id": 1, "engagement_type": kind}
        for n, kind in enumerate(kinds)
    ]
    log = post_events(
        silver(spark, "silver.impressions", [{"impression_id": "i", "user_id": 1, "post_id": 1, "shown_at": at(6)}]),
        silver(spark, "silver.engagements", [{**act, "engaged_at": at(6)} for act in acts]),
    )
    [row] = counters_before(log, at(7)).collect()
    counts = {name: row[name] for name in (*COUNTERS, *WEIGHED)}
    assert counts == {
        "num_views": 1,
        "num_likes": 0,
        "num_comments": 2,
        "num_shares": 0,
        "num_negatives": 0,
        "num_bookmarks": 1,
        "num_opens": 3,
    }


def test_snapshot_counters_agree_with_the_counters_at_that_instant(spark: SparkSession) -> None:
    views, acts = random_log(3)
    log = post_events(silver(spark, "silver.impressions", views), silver(spark, "silver.engagements", acts))
    instant: datetime = at(6, 3, 2)  # off the grid: the two rules differ only for events received on the instant
    points = spark.range(1, 7).select(F.col("id").alias("post_id"), F.lit(instant).alias("instant"))
    columns = ["post_id", *COUNTERS]
    at_instant = sorted(map(tuple, counters_at(log, points).select(*columns).collect()))
    assert sorted(map(tuple, counters_before(log, instant).select(*columns).collect())) == at_instant
