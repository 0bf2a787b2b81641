"""Degrees that grow with the network, and a drift that sets in on its day."""

from dataclasses import replace
from datetime import date
from typing import Any

import pytest
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from spark_jobs.simulate.exposure import impressions
from spark_jobs.simulate.network import both_ways, friendships, tastes
from spark_jobs.simulate.popularity import fame, popular_user
from spark_jobs.simulate.posts import posts
from spark_jobs.simulate.reaction import react
from spark_jobs.simulate.world import DAY_MS, World

pytestmark = pytest.mark.many_rows

WORLD = World(users=150, days=2, seed=20, end_date=date(2026, 3, 8))


def degrees(spark: SparkSession, world: World) -> dict[str, float]:
    counted = both_ways(friendships(spark, world)).groupBy("user").count()
    row = counted.agg(
        (F.sum("count") / world.users).alias("mean"),
        F.max("count").alias("most"),
        F.count_if(F.col("count") > 1000).alias("above_1000"),
    ).first()
    assert row is not None
    return row.asDict()


def test_popularity_is_a_permutation_found_from_both_sides(spark: SparkSession) -> None:
    for users in (100, 101, 1999, 2000):
        world = replace(WORLD, users=users)
        ranks = spark.range(users).select("id", popular_user(world, F.col("id")).alias("user"))
        known = ranks.select("id", "user", fame(world, F.col("user")).alias("fame")).orderBy("id").collect()
        assert sorted(row.user for row in known) == list(range(users))
        assert [row.fame for row in known] == pytest.approx([1 - (rank + 0.5) / users for rank in range(users)])


def test_the_heaviest_users_grow_with_the_network_and_the_mean_stays(spark: SparkSession) -> None:
    small, large = degrees(spark, replace(WORLD, users=500)), degrees(spark, replace(WORLD, users=20_000))
    assert small["mean"] == pytest.approx(20, abs=3)
    assert large["mean"] == pytest.approx(20, abs=2)
    assert small["most"] < 150
    assert 350 < large["most"] < 1000


@pytest.mark.slow
def test_a_network_of_100_000_has_users_of_more_than_1000_friends(spark: SparkSession) -> None:
    found = degrees(spark, replace(WORLD, users=100_000))
    assert found["mean"] == pytest.approx(20, abs=2)
    assert found["above_1000"] >= 2


def reacted(spark: SparkSession, world: World) -> DataFrame:
    pairs = friendships(spark, world)
    seen = impressions(spark, world, posts(spark, world), both_ways(pairs))
    return react(world, seen, tastes(spark, world))


def test_the_drift_changes_tastes_and_devices_from_its_day_on_and_nothing_before(spark: SparkSession) -> None:
    drifting = replace(WORLD, drift_date=WORLD.end_date)
    assert drifting.drift_ms == WORLD.end_ms - DAY_MS
    frames: list[Any] = [reacted(spark, world).toPandas() for world in (WORLD, drifting)]

    def rows(frame: Any) -> Any:
        return frame.sort_values(["user", "post_id"]).reset_index(drop=True)

    before = [rows(frame[frame["shown_ms"] < drifting.drift_ms]) for frame in frames]
    assert len(before[0]) > 500
    assert before[0].equals(before[1])
    one, other = (rows(frame[frame["shown_ms"] >= drifting.drift_ms]) for frame in frames)
    assert (one["post_id"] == other["post_id"]).all()
    assert abs(one["match"].corr(other["match"])) < 0.8
    assert (other["device"] == "desktop").mean() > (one["device"] == "desktop").mean() + 0.1
