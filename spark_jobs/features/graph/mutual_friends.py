"""Friends in common of every pair of friends: the triangles of the friendship graph over time."""

from collections.abc import Sequence
from datetime import date

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from spark_jobs.features.interactions import edge_interval


def mutual_friends(friendships: DataFrame, days: Sequence[date]) -> DataFrame:
    """Each triangle as one mutual friend of its six ordered pairs, summed.

    Grain: user_id, author_id, from_day, until_day; ``num_mutual_friends`` holds on those days. Edges point from the
    lower to the higher degree, which bounds the paths of two edges by (number of edges)^1.5 however popular a user
    is, and finds each triangle once (Schank and Wagner, "Finding, counting and listing all triangles", 2005).
    """
    edges = _oriented_edges(friendships, days)
    first, second, third = (
        edges.select(
            F.col("low").alias(low),
            F.col("high").alias(high),
            F.col("rank").alias(f"rank_{name}"),
            F.col("from_day").alias(f"from_{name}"),
            F.col("until_day").alias(f"until_{name}"),
        )
        for name, low, high in (("one", "a", "b"), ("two", "a", "c"), ("three", "b", "c"))
    )
    paths = first.join(second, "a", "inner").where(F.col("rank_one") < F.col("rank_two"))
    triangles = paths.join(third, ["b", "c"], "inner")
    names = ("one", "two", "three")
    pairs = F.array(*(_pair(x, y) for x, y in ("ab", "ba", "ac", "ca", "bc", "cb")))
    held = triangles.select(
        F.explode(pairs).alias("pair"),
        F.greatest(*(f"from_{name}" for name in names)).alias("from_day"),
        # `least` skips nulls; a null end is an edge that has not ended.
        F.least(*(f"until_{name}" for name in names)).alias("until_day"),
    )
    return (
        held.select("pair.*", "from_day", "until_day")
        .groupBy("user_id", "author_id", "from_day", "until_day")
        .agg(F.count("*").alias("num_mutual_friends"))
    )


def _pair(user: str, author: str) -> Column:
    return F.struct(F.col(user).alias("user_id"), F.col(author).alias("author_id"))


def _oriented_edges(friendships: DataFrame, days: Sequence[date]) -> DataFrame:
    """Edges that hold on any of the days, once each, from the lower (degree, id) to the higher, ``rank``."""
    edges = edge_interval(friendships, F.col("user_id").alias("low"), F.col("friend_id").alias("high"))
    held = (F.col("from_day") <= F.lit(max(days))) & (
        F.col("until_day").isNull() | (F.col("until_day") > F.lit(min(days)))
    )
    edges = edges.where(held & (F.col("low") != F.col("high")))
    degrees = edges.groupBy("low").agg(F.count("*").alias("degree"))
    ranks = degrees.select("low", F.struct("degree", "low").alias("low_rank"))
    ends = ranks.select(F.col("low").alias("high"), F.col("low_rank").alias("rank"))
    joined = edges.join(ranks, "low", "inner").join(ends, "high", "inner")
    return joined.where(F.col("low_rank") < F.col("rank")).drop("low_rank")
