"""Features of a user's friends."""

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from contracts.settings import FeatureRules
from spark_jobs.rules.rates import share_of

ACTS = ("num_posts", "num_likes", "num_comments", "num_shares", "num_clicks")
"""Counts that make a friend active."""


def circle_counts(pairs: DataFrame, totals: DataFrame, rules: FeatureRules) -> DataFrame:
    """Sums over the friends of each user; grain: user_id, ds.

    ``pairs`` are rows of gold.affinity_features, which has every friendship of its days; ``totals`` are the counts of
    users. There is one row per friendship and day, so the cost is linear in the edges.
    """
    friends = totals.select(
        F.col("user_id").alias("author_id"),
        "ds",
        sum((F.col(name) for name in ACTS), F.lit(0)).alias("_acts"),
        (F.col("num_friends") + F.col("num_followers") >= rules.influential_audience).alias("_is_influential"),
        (F.col("num_followers") > 0).alias("_is_creator"),
    )
    edges = pairs.where(F.col("is_friend") == 1).select("user_id", "author_id", "ds", "is_close_friend")
    return (
        edges.join(friends, ["author_id", "ds"], "left")
        .groupBy("user_id", "ds")
        .agg(
            F.count("*").alias("num_circle"),
            F.coalesce(F.sum("_acts"), F.lit(0)).alias("num_circle_acts"),
            F.count_if(F.col("_is_influential")).alias("num_influential"),
            F.count_if(F.col("_is_creator")).alias("num_creators"),
            F.count_if(F.col("is_close_friend") == 1).alias("num_close"),
        )
    )


def circle_columns() -> dict[str, Column]:
    """Registry name to column, from the counts of ``circle_counts`` and num_days."""
    num_friends = F.col("num_circle")
    return {
        "mean_friend_activity": F.log1p(share_of(F.col("num_circle_acts"), num_friends * F.col("num_days"))),
        "influential_friend_ratio": share_of(F.col("num_influential"), num_friends),
        "close_friend_ratio": share_of(F.col("num_close"), num_friends),
        "creator_ratio": share_of(F.col("num_creators"), num_friends),
    }
