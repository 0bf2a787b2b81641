"""gold.affinity_features: what connects a viewer with an author as of the end of a day; sparse."""

from collections.abc import Sequence
from datetime import date

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from contracts.features import names_of
from contracts.settings import Smoothing
from spark_jobs.counters import NEGATIVE, POSITIVE, is_kind, one_if
from spark_jobs.features.days import days_to_build
from spark_jobs.features.interactions import edge_interval, event_interval, event_log, stack, with_posts
from spark_jobs.features.mutual_friends import mutual_friends
from spark_jobs.lake import write_partition
from spark_jobs.night import Night
from spark_jobs.point_in_time import on_days
from spark_jobs.rates import log_count, smoothed_rate

TABLE = "gold.affinity_features"
INTERACTIONS = (*POSITIVE, "click")
"""Engagements that count as an interaction; a hide, a report or a glance does not bring people closer."""

RECENCY_DAYS = 7.0


def transform(
    *,
    posts: DataFrame,
    impressions: DataFrame,
    engagements: DataFrame,
    friendships: DataFrame,
    page_follows: DataFrame,
    pages: DataFrame,
    days: Sequence[date],
    activity_days: int,
    smoothing: Smoothing,
) -> DataFrame:
    """Features of the pairs who are connected or met in the window, for all ``days``; grain: user_id, author_id, ds."""
    log = with_posts(event_log(impressions, engagements, days, activity_days), posts)
    facts = stack(
        [
            pair_facts(log, activity_days),
            mutual_friends(friendships, days),
            *connections(friendships, page_follows, pages),
        ]
    )
    others = facts.where(F.col("user_id") != F.col("author_id"))
    interacts = is_kind(*INTERACTIONS)
    totals = (
        on_days(others, days)
        .groupBy("user_id", "author_id", "ds")
        .agg(
            *(F.count_if(is_kind(kind)).alias(f"num_{kind}s") for kind in ("view", "like", "comment", "share")),
            F.count_if(is_kind(*NEGATIVE)).alias("num_negatives"),
            F.count_if(interacts).alias("num_interactions"),
            F.max(F.when(interacts, F.col("event_micros"))).alias("last_micros"),
            F.max(one_if(is_kind("friend"))).alias("is_friend"),
            F.max(one_if(is_kind("follower"))).alias("is_follower"),
            F.coalesce(F.sum("num_mutual_friends"), F.lit(0)).alias("num_mutual_friends"),
        )
    )
    columns = _columns(smoothing)
    features = [columns[name].cast("float").alias(name) for name in names_of("pair")]
    return totals.select("user_id", "author_id", *features, "ds")


def pair_facts(log: DataFrame, activity_days: int) -> DataFrame:
    """What a viewer was shown of an author and did with it, and the days on which it counts; grain: one event."""
    known = log.where(F.col("user_id").isNotNull())
    micros = F.unix_micros("event_time").alias("event_micros")
    return known.select("user_id", "author_id", "kind", micros, *event_interval(activity_days))


def connections(friendships: DataFrame, page_follows: DataFrame, pages: DataFrame) -> tuple[DataFrame, DataFrame]:
    """Friends, and viewers who follow a page of the author, with the days on which they are."""
    user = F.col("user_id")
    owners = page_follows.join(pages.select("page_id", F.col("owner_id").alias("author_id")), "page_id", "inner")
    friends = edge_interval(friendships, user, F.col("friend_id").alias("author_id"))
    followers = edge_interval(owners, user, F.col("author_id"))
    return (
        friends.withColumn("kind", F.lit("friend")),
        followers.withColumn("kind", F.lit("follower")),
    )


def _columns(smoothing: Smoothing) -> dict[str, Column]:
    def rate(count: str, mean: float) -> Column:
        return smoothed_rate(F.col(f"num_{count}"), F.col("num_views"), mean, smoothing.strength)

    as_of_micros = F.unix_micros(F.date_add("ds", 1).cast("timestamp"))
    days_since = (as_of_micros - F.col("last_micros")) / F.lit(86400e6)
    return {
        "is_friend": F.col("is_friend"),
        "is_follower": F.col("is_follower"),
        "log_mutual_friends": log_count(F.col("num_mutual_friends")),
        "log_interactions": log_count(F.col("num_interactions")),
        "like_rate": rate("likes", smoothing.like_mean),
        "comment_rate": rate("comments", smoothing.comment_mean),
        "share_rate": rate("shares", smoothing.share_mean),
        "negative_rate": rate("negatives", smoothing.negative_mean),
        "recency": F.when(F.col("num_interactions") > 0, F.exp(-days_since / F.lit(RECENCY_DAYS))).otherwise(
            F.lit(0.0)
        ),
    }


def main(night: Night) -> None:
    """Build the night's partition, and earlier ones that are missing or touched, in one commit."""
    days = days_to_build(night, TABLE)
    frame = transform(
        posts=night.read("silver.posts"),
        impressions=night.read("silver.impressions"),
        engagements=night.read("silver.engagements"),
        friendships=night.read("silver.friendships"),
        page_follows=night.read("silver.page_follows"),
        pages=night.read("silver.pages"),
        days=days,
        activity_days=night.settings.dataset.activity_days,
        smoothing=night.settings.smoothing,
    )
    write_partition(night.lake, TABLE, frame, days)
