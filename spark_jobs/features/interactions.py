"""The event log for the feature tables: who did what with whose post, on which day, and seen from which day on."""

from collections.abc import Sequence
from datetime import date, timedelta
from functools import reduce

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from spark_jobs.rules.counters import organic, paid
from spark_jobs.rules.point_in_time import on_days, seen_day
from spark_jobs.rules.post_columns import topics_of


def event_log(impressions: DataFrame, engagements: DataFrame, days: Sequence[date], activity_days: int) -> DataFrame:
    """Organic impressions (kind ``impression``) and engagements in the activity window of any of ``days``.

    Grain: one event; columns user_id (null for an anonymous reaction), post_id, kind, event_time, event_date and
    seen_day; for an impression session_id, device, connection and city; for an engagement dwell_ms and detail.
    """
    return _log(organic(impressions), organic(engagements), days, activity_days)


def ad_log(impressions: DataFrame, engagements: DataFrame, days: Sequence[date], activity_days: int) -> DataFrame:
    """The same for ads; only the engagement rate on ads uses it."""
    return _log(paid(impressions), paid(engagements), days, activity_days)


def _log(impressions: DataFrame, engagements: DataFrame, days: Sequence[date], activity_days: int) -> DataFrame:
    views = impressions.select(
        "user_id",
        "post_id",
        F.lit("impression").alias("kind"),
        F.col("shown_at").alias("event_time"),
        "event_date",
        seen_day("shown_at", "received_at").alias("seen_day"),
        "session_id",
        "device",
        "connection",
        "city",
    )
    acts = engagements.select(
        "user_id",
        "post_id",
        F.col("engagement_type").alias("kind"),
        F.col("engaged_at").alias("event_time"),
        "event_date",
        seen_day("engaged_at", "received_at").alias("seen_day"),
        "dwell_ms",
        "detail",
    )
    log = views.unionByName(acts, allowMissingColumns=True)
    first = min(days) - timedelta(days=activity_days - 1)
    return log.where(F.col("event_date").between(F.lit(first), F.lit(max(days))))


def with_posts(log: DataFrame, versions: DataFrame) -> DataFrame:
    """Add author_id, source_type, content_type, topics, media_count, length and text_at of the post's version.

    ``versions`` are ``post_versions.all_versions``. The version is the one that could be seen when the event happened;
    later edits change nothing. An event from before any version could be seen gets the first version, and counts from
    the day on which that one could be seen.
    """
    about = versions.select(
        "post_id",
        "author_id",
        "source_type",
        "content_type",
        topics_of(F.col("hashtags")).alias("topics"),
        "media_count",
        F.char_length("text").alias("length"),
        F.col("updated_at").alias("text_at"),
        seen_day("updated_at", "received_at").alias("_seen_day"),
        F.when(~F.col("came_first"), F.col("visible_from")).alias("_from"),
        F.col("visible_until").alias("_until"),
    )
    at = F.unix_micros("event_time")
    has_begun, has_ended = F.col("_from").isNull() | (F.col("_from") <= at), F.col("_until") <= at
    is_seen = has_begun & ~F.coalesce(has_ended, F.lit(col=False))
    joined = log.join(about, "post_id", "inner").where(is_seen)
    return joined.withColumn("seen_day", F.greatest("seen_day", "_seen_day")).drop("_seen_day", "_from", "_until")


def posts_written(versions: DataFrame, days: Sequence[date], activity_days: int) -> DataFrame:
    """Posts created in the activity window of any of ``days``, in their first version: later edits change nothing.

    Grain: post; columns author_id, event_time, event_date, seen_day, content_type, topics, media_count, length.
    """
    first = min(days) - timedelta(days=activity_days - 1)
    written = versions.where("came_first").select(
        "author_id",
        F.col("created_at").alias("event_time"),
        F.to_date("created_at").alias("event_date"),
        seen_day("created_at", "received_at").alias("seen_day"),
        "content_type",
        topics_of(F.col("hashtags")).alias("topics"),
        "media_count",
        F.char_length("text").alias("length"),
    )
    return written.where(F.col("event_date").between(F.lit(first), F.lit(max(days))))


def edge_interval(frame: DataFrame, *columns: Column) -> DataFrame:
    """``columns`` of an edge table with the days whose snapshots have the edge: [``from_day``, ``until_day``).

    A snapshot sees the start or end of an edge if it happened and was received before its midnight.
    """
    return frame.select(
        *columns,
        seen_day("valid_from", "received_at").alias("from_day"),
        seen_day("valid_to", "end_known_at").alias("until_day"),
    )


def event_interval(activity_days: int) -> list[Column]:
    """Days in whose activity window an event of ``event_date`` is seen: [``from_day``, ``until_day``)."""
    return [F.col("seen_day").alias("from_day"), F.date_add("event_date", activity_days).alias("until_day")]


def stack(parts: Sequence[DataFrame]) -> DataFrame:
    """Union by name; columns that a part lacks are null."""
    union: DataFrame = reduce(lambda one, other: one.unionByName(other, allowMissingColumns=True), parts)
    return union


def counted(frame: DataFrame, keys: Sequence[str], counts: dict[str, Column]) -> DataFrame:
    """``counts`` (aggregates) per key and interval of days, before rows are repeated for each day.

    Most events of a key share their interval, so the repeated rows are a fraction of the log.
    """
    return frame.groupBy(*keys, "from_day", "until_day").agg(*(column.alias(name) for name, column in counts.items()))


def totals_on_days(parts: Sequence[DataFrame], keys: Sequence[str], days: Sequence[date]) -> DataFrame:
    """Totals of the parts' counts over the intervals that cover each of ``days``; grain: ``keys`` and ds.

    Counts are summed, 0 if no part of a key has any; for a column named ``last_...`` the greatest value is kept.
    """
    union = stack(parts)
    names = [name for name in union.columns if name not in {*keys, "from_day", "until_day"}]
    totals = [F.max(name) if name.startswith("last_") else F.coalesce(F.sum(name), F.lit(0)) for name in names]
    named = [total.alias(name) for total, name in zip(totals, names, strict=True)]
    return on_days(union, days).groupBy(*keys, "ds").agg(*named)
