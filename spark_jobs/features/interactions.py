"""The event log as the feature tables read it: who did what to whose post, on which day, seen from which day on."""

from collections.abc import Sequence
from datetime import date, timedelta
from functools import reduce

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from spark_jobs.context_columns import on_mobile
from spark_jobs.point_in_time import seen_day
from spark_jobs.post_columns import topics_of


def event_log(impressions: DataFrame, engagements: DataFrame, days: Sequence[date], activity_days: int) -> DataFrame:
    """Impressions (kind ``view``) and engagements in the activity window of any of ``days``.

    Grain: one event; columns user_id (null for an anonymous reaction), post_id, kind, event_time, event_date,
    seen_day, session_id, is_mobile.
    """
    views = impressions.select(
        "user_id",
        "post_id",
        F.lit("view").alias("kind"),
        F.col("shown_at").alias("event_time"),
        "event_date",
        seen_day("shown_at", "received_at").alias("seen_day"),
        "session_id",
        on_mobile("device").alias("is_mobile"),
    )
    acts = engagements.select(
        "user_id",
        "post_id",
        F.col("engagement_type").alias("kind"),
        F.col("engaged_at").alias("event_time"),
        "event_date",
        seen_day("engaged_at", "received_at").alias("seen_day"),
    )
    log = views.unionByName(acts, allowMissingColumns=True)
    first = min(days) - timedelta(days=activity_days - 1)
    return log.where(F.col("event_date").between(F.lit(first), F.lit(max(days))))


def with_posts(log: DataFrame, posts: DataFrame) -> DataFrame:
    """Adds author_id, content_type and topics of the post."""
    about = posts.select("post_id", "author_id", "content_type", topics_of(F.col("hashtags")).alias("topics"))
    return log.join(about, "post_id", "inner")


def edge_interval(frame: DataFrame, *columns: Column) -> DataFrame:
    """``columns`` of an edge table with the days whose snapshots hold the edge: [``from_day``, ``until_day``)."""
    return frame.select(
        *columns,
        seen_day("valid_from", "received_at").alias("from_day"),
        F.to_date("valid_to").alias("until_day"),
    )


def event_interval(activity_days: int) -> list[Column]:
    """Days in whose activity window an event of ``event_date`` is seen: [``from_day``, ``until_day``)."""
    return [F.col("seen_day").alias("from_day"), F.date_add("event_date", activity_days).alias("until_day")]


def stack(parts: Sequence[DataFrame]) -> DataFrame:
    """Union by name; a part that lacks a column has nulls in it."""
    union: DataFrame = reduce(lambda one, other: one.unionByName(other, allowMissingColumns=True), parts)
    return union
