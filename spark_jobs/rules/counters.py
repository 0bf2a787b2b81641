"""Counters of posts over the event log: at one instant for all posts, or at each point's own instant.

Anonymous reactions count like those of known users: ``like`` is a like, ``comment`` a comment, ``report`` and
``dislike`` are negative. ``accept`` is the asker's judgement, not an audience's reaction, and does not count.
An impression's kind is ``impression``; the kind ``view`` is the engagement: somebody opened the post.
"""

from collections.abc import Mapping
from datetime import datetime

from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as F

from spark_jobs.rules.point_in_time import known_before, visible_micros

POSITIVE = ("like", "comment", "share")
"""Not derived from the heads: a new head shall not change features and the simple score."""
POSITIVE_COUNTS = tuple(f"{kind}s" for kind in POSITIVE)
"""The counts of ``POSITIVE``, likes, comments and shares, as features and cards name them."""
NEGATIVE = ("hide", "report", "dislike")
KINDS_OF = {
    "num_views": ("impression",),
    **{f"num_{count}": (kind,) for kind, count in zip(POSITIVE, POSITIVE_COUNTS, strict=True)},
    "num_negatives": NEGATIVE,
}
COUNTERS = tuple(KINDS_OF)
"""The counters from which post features are computed."""

WEIGHED = {"num_bookmarks": ("bookmark",), "num_opens": ("view",)}
"""Counters that are not features; only the simple score uses them."""


def one_if(condition: Column) -> Column:
    """1 if the condition holds, 0 if it does not or is null."""
    return F.when(condition, F.lit(1)).otherwise(F.lit(0)).cast("long")


def is_kind(*kinds: str) -> Column:
    """Whether the event's ``kind`` (``impression`` or an engagement type) is one of ``kinds``."""
    return F.col("kind").isin(*kinds)


def organic(log: DataFrame) -> DataFrame:
    """Impressions or engagements that were not paid for.

    Money and targeting decide who sees an ad, so ads change no organic feature, counter or training example.
    """
    return log.where(F.col("ad_id").isNull())


def paid(log: DataFrame) -> DataFrame:
    """Impressions of ads, or engagements with them."""
    return log.where(F.col("ad_id").isNotNull())


def post_events(impressions: DataFrame, engagements: DataFrame) -> DataFrame:
    """Impressions and engagements as one log: post_id, kind, event_time, received_at.

    Grain: one organic impression (kind ``impression``) or engagement (kind is its type).
    """
    impressions, engagements = organic(impressions), organic(engagements)
    views = impressions.select(
        "post_id", F.lit("impression").alias("kind"), F.col("shown_at").alias("event_time"), "received_at"
    )
    acts = engagements.select(
        "post_id", F.col("engagement_type").alias("kind"), F.col("engaged_at").alias("event_time"), "received_at"
    )
    return views.unionByName(acts)


def _increments(kinds_of: Mapping[str, tuple[str, ...]]) -> list[Column]:
    return [one_if(is_kind(*kinds)).alias(name) for name, kinds in kinds_of.items()]


def counters_before(events: DataFrame, as_of: datetime) -> DataFrame:
    """``COUNTERS`` and ``WEIGHED`` of every post with an event that happened and was received before ``as_of``.

    Grain: post_id.
    """
    kinds_of = {**KINDS_OF, **WEIGHED}
    visible = events.where(known_before(as_of, "event_time"))
    return (
        visible.select("post_id", *_increments(kinds_of))
        .groupBy("post_id")
        .agg(*(F.sum(name).alias(name) for name in kinds_of))
    )


def counters_at(events: DataFrame, points: DataFrame) -> DataFrame:
    """``points`` with the counters of their post from the events visible at their ``instant``.

    ``points`` has ``post_id``, ``instant`` and any other columns. Events and points of a post are sorted by time,
    events before points of the same time, and counted by a running sum: no range join, one sort per post. Events of
    posts without a point are sorted too, because a filter would cost more; a caller who expects many filters them out.
    """
    # Twice the instant, plus one for points: sorting by one number is faster than by an instant and a flag.
    steps = events.select(
        "post_id",
        (visible_micros("event_time", "received_at") * 2).alias("_order"),
        *_increments(KINDS_OF),
        F.lit(None).cast(points.schema).alias("_point"),
    )
    questions = points.select(
        "post_id",
        (F.unix_micros("instant") * 2 + 1).alias("_order"),
        *(F.lit(0).cast("long").alias(name) for name in COUNTERS),
        F.struct(*points.columns).alias("_point"),
    )
    by_post = Window.partitionBy("post_id").orderBy("_order")
    so_far = by_post.rowsBetween(Window.unboundedPreceding, Window.currentRow)
    counted = steps.unionByName(questions).select(
        "_point", *(F.sum(name).over(so_far).alias(name) for name in COUNTERS)
    )
    return counted.where(F.col("_point").isNotNull()).select("_point.*", *COUNTERS)
