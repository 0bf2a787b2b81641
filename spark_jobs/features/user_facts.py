"""Everything the user features count, as one narrow log of facts, each holding for an interval of days."""

from collections.abc import Sequence
from datetime import date, timedelta

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from contracts.features import TOPICS
from spark_jobs.counters import NEGATIVE, POSITIVE, is_kind
from spark_jobs.features.interactions import edge_interval, event_interval, stack, with_posts
from spark_jobs.point_in_time import on_days, seen_day

_RECEIVED = "received_"


def posts_written(posts: DataFrame, days: Sequence[date], activity_days: int) -> DataFrame:
    """Posts created in the activity window of any of ``days``: user_id, event_date, seen_day."""
    first = min(days) - timedelta(days=activity_days - 1)
    written = posts.select(
        F.col("author_id").alias("user_id"),
        F.to_date("created_at").alias("event_date"),
        seen_day("created_at", "received_at").alias("seen_day"),
    )
    return written.where(F.col("event_date").between(F.lit(first), F.lit(max(days))))


def covered_days(log: DataFrame, written: DataFrame, days: Sequence[date], activity_days: int) -> DataFrame:
    """Days of the activity window that the lake covers as of each of ``days``, at least 1; grain: ds.

    They count from the first event that the snapshot sees in its window.
    """
    seen = log.select("event_date", "seen_day").union(written.select("event_date", "seen_day")).distinct()
    first = on_days(seen.select("event_date", *event_interval(activity_days)), days)
    return first.groupBy("ds").agg((F.datediff("ds", F.min("event_date")) + F.lit(1)).alias("num_days"))


def activity_facts(log: DataFrame, posts: DataFrame, written: DataFrame, activity_days: int) -> DataFrame:
    """What users did (kind as in ``log``, ``session``, ``post``) and what their posts received (``received_...``)."""
    interval = event_interval(activity_days)
    sides = F.array(
        F.struct("user_id", "kind"),
        F.struct(F.col("author_id").alias("user_id"), F.concat(F.lit(_RECEIVED), "kind").alias("kind")),
    )
    acts = with_posts(log, posts).select(
        F.explode(sides).alias("fact"), "content_type", "topics", "is_mobile", *interval
    )
    sessions = (
        log.where(F.col("session_id").isNotNull())
        .groupBy("user_id", "event_date", "session_id")
        .agg(F.min("seen_day").alias("seen_day"))
    )
    parts = [
        acts.select("fact.*", "content_type", "topics", "is_mobile", "from_day", "until_day"),
        sessions.select("user_id", F.lit("session").alias("kind"), *interval),
        written.select("user_id", F.lit("post").alias("kind"), *interval),
    ]
    return stack(parts).where(F.col("user_id").isNotNull())


def network_facts(
    friendships: DataFrame, page_follows: DataFrame, group_memberships: DataFrame, pages: DataFrame
) -> DataFrame:
    """Edges of each user: kind ``friend``, ``page_follow``, ``group`` or ``follower``, one per page of the owner."""
    user = F.col("user_id")
    owned = page_follows.join(pages.select("page_id", F.col("owner_id").alias("_owner")), "page_id", "inner")
    edges = {
        "friend": edge_interval(friendships.where(F.col("user_id") != F.col("friend_id")), user),
        "page_follow": edge_interval(page_follows, user),
        "group": edge_interval(group_memberships, user),
        "follower": edge_interval(owned, F.col("_owner").alias("user_id")),
    }
    return stack([frame.withColumn("kind", F.lit(kind)) for kind, frame in edges.items()])


def _counted() -> dict[str, Column]:
    """Each count of a user: its name and which facts it counts."""
    positive, topics = is_kind(*POSITIVE), F.col("topics")
    kinds = ("view", "like", "comment", "share", "session", "post", "friend", "page_follow", "group", "follower")
    counted = {f"num_{kind}s": is_kind(kind) for kind in kinds}
    counted |= {
        "num_negatives": is_kind(*NEGATIVE),
        "num_mobile_views": is_kind("view") & F.col("is_mobile"),
        "num_received_views": is_kind(f"{_RECEIVED}view"),
        "num_received_positives": is_kind(*(f"{_RECEIVED}{kind}" for kind in POSITIVE)),
        "num_received_negatives": is_kind(*(f"{_RECEIVED}{kind}" for kind in NEGATIVE)),
        "num_topic_positives": positive & (F.size(topics) > 0),
    }
    for content_type in ("photo", "video"):
        of_type = F.col("content_type") == content_type
        counted[f"num_{content_type}_views"] = is_kind("view") & of_type
        counted[f"num_{content_type}_positives"] = positive & of_type
    return counted | {f"num_{topic}_positives": positive & F.array_contains(topics, topic) for topic in TOPICS}


def count_facts(facts: DataFrame, days: Sequence[date]) -> DataFrame:
    """Counts of every user with a fact on any of ``days``; grain: user_id, ds."""
    counts = [F.count_if(condition).alias(name) for name, condition in _counted().items()]
    return on_days(facts, days).groupBy("user_id", "ds").agg(*counts)
