"""gold.people_suggestions: people whom a user may know, by friends in common (docs/communities.md)."""

from pyspark.sql import DataFrame, Window
from pyspark.sql import functions as F

from contracts.settings import SuggestionRules
from spark_jobs.night.night import Night
from spark_jobs.night.writers import write_partition
from spark_jobs.rules.visibility import read_edges

TABLE = "gold.people_suggestions"
PARTS = 1_000_000_000
"""Scores are summed as whole billionths, so that they do not depend on the order of the sum."""


def transform(friends: DataFrame, blocked: DataFrame, rules: SuggestionRules) -> DataFrame:
    """The best ``rules.per_user`` friends of friends of each user; grain: user_id, suggested_id.

    ``friends`` is (user_id, friend_id) in both directions, each once, ``blocked`` (user_id, blocked_id) likewise. A
    friend in common of degree d counts 1 / ln d: a friend with few friends is stronger evidence than one with many
    (Adamic and Adar, "Friends and neighbors on the Web", 2003). A friend with more than ``rules.most_friends`` is
    hardly evidence and would cost d² pairs, so it is left out of count and score.
    """
    common = F.col("friend_id").alias("common_id")
    degrees = friends.groupBy(common).agg(F.count("*").alias("degree"))
    tellers = degrees.where(F.col("degree").between(2, rules.most_friends))
    parts = F.round(F.lit(PARTS) / F.log(F.col("degree"))).cast("bigint").alias("parts")
    ends = friends.select("user_id", common).join(tellers.select("common_id", parts), "common_id", "inner")
    others = ends.select("common_id", F.col("user_id").alias("suggested_id"))
    paths = ends.join(others, "common_id", "inner").where(F.col("user_id") < F.col("suggested_id"))
    pairs = paths.groupBy("user_id", "suggested_id").agg(
        F.count("*").alias("num_mutual_friends"), F.sum("parts").alias("parts")
    )
    known = friends.withColumnRenamed("friend_id", "suggested_id")
    refused = blocked.withColumnRenamed("blocked_id", "suggested_id")
    pair = ["user_id", "suggested_id"]
    new = pairs.join(known, pair, "left_anti").join(refused, pair, "left_anti")
    swapped = F.struct(F.col("suggested_id").alias("user_id"), F.col("user_id").alias("suggested_id"))
    both = new.select(F.inline(F.array(F.struct(*pair), swapped)), "num_mutual_friends", "parts")
    best = Window.partitionBy("user_id").orderBy(F.desc("parts"), "suggested_id")
    ranked = both.withColumn("rank", F.row_number().over(best))
    score = (F.col("parts") / F.lit(PARTS)).alias("score")
    return ranked.where(F.col("rank") <= rules.per_user).select(*pair, "rank", "num_mutual_friends", score)


def main(night: Night) -> None:
    """Build the night's partition."""
    edges = read_edges(night)
    frame = transform(edges.friends, edges.blocked, night.settings.suggestions)
    write_partition(night.lake, TABLE, frame.withColumn("ds", F.lit(night.ds)), [night.ds])
