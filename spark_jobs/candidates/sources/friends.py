"""Posts of friends, with a limited fan-out: an author with very many friends reaches only some, with fewer posts."""

from datetime import datetime, timedelta

from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as F

from contracts.settings import FanOut
from spark_jobs.candidates.offers import Offers, at_s, proposed


def propose(offers: Offers) -> DataFrame:
    """Posts of friends, newest first."""
    friends, rules = offers.edges.friends, offers.settings.fan_out
    return fanned_out(offers.posts, friends, offers.present, offers.as_of, rules).select(*proposed(at_s("created_at")))


def fanned_out(posts: DataFrame, friends: DataFrame, present: DataFrame, as_of: datetime, rules: FanOut) -> DataFrame:
    """(user_id, post_id, created_at): the author's number of friends decides which posts reach which friends.

    Up to ``many_friends``: everything, to everyone. Above: the newest ``posts_of_many`` of ``days_of_many``, to friends
    who were present. Above ``very_many_friends``: the newest ``posts_of_very_many`` of ``days_of_very_many``, likewise.
    """
    written = posts.where((F.col("source_type") == "friend") & F.col("author_id").isNotNull())
    of_authors = written.select("author_id").distinct().withColumnRenamed("author_id", "friend_id")
    degrees = friends.join(of_authors, "friend_id", "left_semi").groupBy("friend_id").agg(F.count("*").alias("friends"))
    newest = Window.partitionBy("friend_id").orderBy(F.desc("created_at"), "post_id")
    has_many, has_very_many = F.col("friends") > rules.many_friends, F.col("friends") > rules.very_many_friends

    def within(days: int, most: int) -> Column:
        return (F.col("created_at") >= F.lit(as_of - timedelta(days=days))) & (F.col("number") <= most)

    is_fanned_out = (
        F.when(has_very_many, within(rules.days_of_very_many, rules.posts_of_very_many))
        .when(has_many, within(rules.days_of_many, rules.posts_of_many))
        .otherwise(F.lit(col=True))
    )
    reaching = (
        written.select(F.col("author_id").alias("friend_id"), "post_id", "created_at")
        .join(degrees, "friend_id", "inner")
        .withColumn("number", F.row_number().over(newest))
        .where(is_fanned_out)
        .withColumn("to_present", has_many)
    )
    is_present = present.select(F.col("user_id"), F.lit(col=True).alias("is_present"))
    reached = friends.join(reaching, "friend_id", "inner").join(is_present, "user_id", "left")
    return reached.where(~F.col("to_present") | F.col("is_present").isNotNull()).select(
        "user_id", "post_id", "created_at"
    )
