"""How many of a viewer's friends engaged with an author."""

from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as F

from contracts.settings import FeatureRules

PROOFS = {"num_friends_liked": "num_likes", "num_friends_commented": "num_comments", "num_friends_shared": "num_shares"}


def social_proof(totals: DataFrame, rules: FeatureRules) -> DataFrame:
    """Friends who liked, commented on or shared the author's posts; grain: user_id, author_id, ds, where there are any.

    ``totals`` are the counts of pairs. The join viewer - friend - author has one row per friend of the viewer and
    author whom that friend engaged with. Both are bounded: only the ``proof_friends`` closest friends of a viewer and
    the ``proof_authors`` authors that a friend engaged with last count. So a user costs at most their product (10,000
    rows a day), however many friends there are.
    """
    friends = _first(
        totals.where(F.col("num_friendships") > 0), F.col("num_interactions").desc(), rules.proof_friends
    ).select("user_id", F.col("author_id").alias("_friend"), "ds")
    acted = totals.where(F.col("num_engaged") > 0)
    engaged = _first(acted, F.col("last_micros").desc(), rules.proof_authors).select(
        F.col("user_id").alias("_friend"),
        "author_id",
        "ds",
        *((F.col(count) > 0).cast("int").alias(name) for name, count in PROOFS.items()),
    )
    return (
        friends.join(engaged, ["_friend", "ds"], "inner")
        .groupBy("user_id", "author_id", "ds")
        .agg(*(F.sum(name).alias(name) for name in PROOFS))
    )


def _first(pairs: DataFrame, order: Column, limit: int) -> DataFrame:
    """The first ``limit`` authors of each user and day."""
    place = F.row_number().over(Window.partitionBy("user_id", "ds").orderBy(order, "author_id"))
    return pairs.withColumn("_place", place).where(F.col("_place") <= limit)
