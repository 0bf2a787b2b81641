from datetime import date

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pyspark.sql import Row, SparkSession
from pyspark.sql import functions as F

from spark_jobs.simulate.world import DAY_MS, World, choose

WORLD = World(users=300, days=3, seed=20, end_date=date(2026, 3, 8))


def test_days_end_at_midnight_after_the_end_date() -> None:
    assert WORLD.start_date == date(2026, 3, 6)
    assert WORLD.end_ms == 1_773_014_400_000  # 2026-03-09T00:00:00Z
    assert WORLD.end_ms - WORLD.start_ms == 3 * DAY_MS


@pytest.mark.parametrize(("users", "days", "named"), [(99, 3, "--users"), (300, 0, "--days")])
def test_a_world_too_small_is_refused_by_the_name_of_the_option(users: int, days: int, named: str) -> None:
    with pytest.raises(ValueError, match=named):
        World(users, days, 20, date(2026, 3, 8))


def test_uniforms_are_53_bits_of_the_documented_hash(spark: SparkSession) -> None:
    hashed = F.xxhash64(F.lit(20).cast("long"), F.lit("tie"), F.lit(7).cast("long"))
    row = spark.range(1).select(WORLD.uniform("tie", 7).alias("u"), hashed.alias("h")).first()
    assert isinstance(row, Row)
    assert row.u == ((row.h % 2**64) >> 11) / 2**53


def test_uniforms_and_normals_have_their_moments_and_streams_differ(spark: SparkSession) -> None:
    other = World(300, 3, 21, date(2026, 3, 8))
    drawn = spark.range(20_000).select(
        WORLD.uniform("a", "id").alias("u"),
        WORLD.uniform("b", "id").alias("v"),
        other.uniform("a", "id").alias("w"),
        WORLD.normal("a", "id").alias("z"),
    )
    row = drawn.agg(
        F.avg("u").alias("mean"), F.var_pop("u").alias("variance"), F.min("u").alias("least"), F.max("u").alias("most"),
        F.corr("u", "v").alias("streams"), F.corr("u", "w").alias("seeds"), F.avg("z").alias("zero"),
        F.stddev("z").alias("one"),
    ).first()  # fmt: skip
    assert isinstance(row, Row)
    assert (row["mean"], row.variance) == (pytest.approx(0.5, abs=0.01), pytest.approx(1 / 12, abs=0.002))
    assert row.least >= 0
    assert row.most < 1
    assert (row.streams, row.seeds, row.zero) == pytest.approx((0, 0, 0), abs=0.03)
    assert row.one == pytest.approx(1, abs=0.02)


@settings(max_examples=8)
@given(st.lists(st.integers(1, 100), min_size=1, max_size=6))
def test_choose_gives_every_name_its_share(spark: SparkSession, weights: list[int]) -> None:
    total = sum(weights)
    shares = {f"n{i}": weight / total for i, weight in enumerate(weights)}
    drawn = spark.range(total).select(choose((F.col("id") + 0.5) / total, shares).alias("name"))
    counted = {row.name: row["count"] for row in drawn.groupBy("name").count().collect()}
    assert counted == {f"n{i}": weight for i, weight in enumerate(weights)}
