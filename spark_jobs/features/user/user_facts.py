"""The counts behind the user features, summed per user and day."""

import math
from collections.abc import Sequence
from datetime import date

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from contracts.features import TOPICS
from contracts.settings import FeatureRules
from spark_jobs.features.interactions import counted, edge_interval, event_interval, totals_on_days, with_posts
from spark_jobs.features.user.session_lengths import session_lengths
from spark_jobs.rules.context_columns import in_hours, known_connection, known_device, on_mobile
from spark_jobs.rules.counters import NEGATIVE, POSITIVE, is_kind
from spark_jobs.rules.point_in_time import on_days
from spark_jobs.rules.post_columns import on_weekend

PARTS_PER_TURN = 1_000_000
"""Sines and cosines are summed as whole millionths: a sum of doubles depends on the order of its rows."""


def count_users(
    *,
    log: DataFrame,
    ads: DataFrame,
    versions: DataFrame,
    written: DataFrame,
    friendships: DataFrame,
    page_follows: DataFrame,
    group_memberships: DataFrame,
    pages: DataFrame,
    days: Sequence[date],
    activity_days: int,
    rules: FeatureRules,
) -> DataFrame:
    """Counts of every user with a fact on any of ``days``, each ``num_...``, ``..._ms`` or ``..._micros``.

    Grain: user_id, ds. ``log``, ``ads`` and ``written`` are those of ``spark_jobs.features.interactions``, ``versions``
    those of ``spark_jobs.rules.post_versions``.
    """
    interval = event_interval(activity_days)
    authored = written.where("author_id IS NOT NULL").select(F.col("author_id").alias("user_id"), *interval)
    sessions = session_lengths(log, activity_days)
    steps = {name: F.sum(name) for name in ("num_sessions", "session_micros")}
    parts = [
        counted(_sides(with_posts(log, versions), interval), ["user_id"], _activity(rules)),
        counted(
            ads.where(F.col("user_id").isNotNull()).select("user_id", "kind", *interval), ["user_id"], _ad_counts()
        ),
        counted(sessions, ["user_id"], steps),
        counted(authored, ["user_id"], {"num_posts": F.count("*")}),
        *network_counts(friendships, page_follows, group_memberships, pages),
    ]
    return totals_on_days(parts, ["user_id"], days)


def covered_days(log: DataFrame, written: DataFrame, days: Sequence[date], activity_days: int) -> DataFrame:
    """Number of days of the activity window that the lake covers as of each of ``days``, at least 1; grain: ds.

    They count from the first event that the snapshot sees in its window.
    """
    seen = log.select("event_date", "seen_day").union(written.select("event_date", "seen_day")).distinct()
    first = on_days(seen.select("event_date", *event_interval(activity_days)), days)
    return first.groupBy("ds").agg((F.datediff("ds", F.min("event_date")) + F.lit(1)).alias("num_days"))


def count_cities(log: DataFrame, days: Sequence[date], activity_days: int, most: int) -> DataFrame:
    """Impressions by city, of the ``most`` cities with most of them, as ``city_views``; grain: user_id, ds."""
    located = log.where(is_kind("impression") & F.col("city").isNotNull()).select(
        "user_id", "city", *event_interval(activity_days)
    )
    keys = ["user_id", "city"]
    counts = totals_on_days([counted(located, keys, {"views": F.count("*")})], keys, days)
    by_views = F.array_sort(F.collect_list(F.struct((-F.col("views")).alias("fewer"), "city")))
    first = F.slice(by_views, 1, most)
    views = F.transform(first, lambda seen: F.struct(seen["city"].alias("city"), (-seen["fewer"]).alias("views")))
    return counts.groupBy("user_id", "ds").agg(views.alias("city_views"))


def _sides(acts: DataFrame, interval: list[Column]) -> DataFrame:
    """Each event twice: as an act of its user, and (``is_own`` false) as received by the author of its post."""
    sides = F.array(
        F.struct("user_id", F.lit(True).alias("is_own")),  # noqa: FBT003 - a literal
        F.struct(F.col("author_id").alias("user_id"), F.lit(False).alias("is_own")),  # noqa: FBT003
    )
    kept = [name for name in acts.columns if name not in {"user_id", "author_id"}]
    twice = acts.select(F.explode(sides).alias("side"), *kept)
    return twice.select("side.*", *kept, *interval).where(F.col("user_id").isNotNull())


def network_counts(
    friendships: DataFrame, page_follows: DataFrame, group_memberships: DataFrame, pages: DataFrame
) -> list[DataFrame]:
    """Edges of each user: friends, pages followed, groups, and followers of each page of the owner."""
    user = F.col("user_id")
    owned = page_follows.join(pages.select("page_id", F.col("owner_id").alias("_owner")), "page_id", "inner")
    edges = {
        "num_friends": edge_interval(friendships.where(F.col("user_id") != F.col("friend_id")), user),
        "num_page_follows": edge_interval(page_follows, user),
        "num_groups": edge_interval(group_memberships, user),
        "num_followers": edge_interval(owned, F.col("_owner").alias("user_id")),
    }
    return [counted(frame, ["user_id"], {name: F.count("*")}) for name, frame in edges.items()]


def _activity(rules: FeatureRules) -> dict[str, Column]:
    """Each count over the two sides of the log: its name and the aggregate."""
    counts = {
        f"num_{name}": F.count_if(holds) for name, holds in {**_own_counts(rules), **_received_counts(rules)}.items()
    }
    angle = F.hour("event_time") * F.lit(2 * math.pi / 24)
    for name, part in {"sin": F.sin(angle), "cos": F.cos(angle)}.items():
        micro = F.round(part * F.lit(PARTS_PER_TURN)).cast("long")
        counts[f"hour_{name}_micros"] = F.sum(F.when(F.col("is_own"), micro))
    counts["dwell_ms"] = F.sum(F.when(F.col("is_own") & is_kind("dwell"), counted_dwell_ms(rules)))
    return counts


def _ad_counts() -> dict[str, Column]:
    kinds = {"num_ad_views": ("impression",), "num_ad_positives": POSITIVE}
    return {name: F.count_if(is_kind(*kind)) for name, kind in kinds.items()}


def counted_dwell_ms(rules: FeatureRules) -> Column:
    """Milliseconds that one dwell counts for."""
    return F.least(F.greatest(F.col("dwell_ms"), F.lit(0)), F.lit(rules.max_dwell_ms))


def _own_counts(rules: FeatureRules) -> dict[str, Column]:
    """Counts of users' own acts: name to the condition on rows."""
    own, positive, view = F.col("is_own"), is_kind(*POSITIVE), is_kind("impression")
    completed = is_kind("dwell") & (F.col("content_type") == "video") & (F.col("dwell_ms") >= rules.completion_ms)
    holds = {f"{kind}s": is_kind(kind) for kind in ("like", "comment", "share", "click", "hide", "report")}
    holds |= {"views": view, "events": F.lit(True), "negatives": is_kind(*NEGATIVE), "video_completions": completed}  # noqa: FBT003
    event_time = F.col("event_time")
    holds |= {f"{part}_events": in_hours(event_time, part) for part in ("morning", "afternoon", "evening")}
    holds["weekend_events"] = on_weekend(event_time) > 0
    holds |= {f"{device}_views": view & (F.col("device") == device) for device in ("tablet", "desktop")}
    holds["mobile_views"] = view & on_mobile()
    holds["device_views"] = view & known_device().isNotNull()
    holds["session_views"] = view & F.col("session_id").isNotNull()
    holds["connected_views"] = view & known_connection().isNotNull()
    holds |= {f"{kind}_views": view & (F.col("connection") == kind) for kind in ("wifi", "cellular")}
    groups = {kind: F.col("content_type") == kind for kind in ("photo", "video", "link")}
    groups |= {kind: F.col("source_type") == kind for kind in ("friend", "page")}
    for name, belongs in groups.items():
        holds |= {f"{name}_views": view & belongs, f"{name}_positives": positive & belongs}
    topics = F.col("topics")
    holds |= {f"{topic}_positives": positive & F.array_contains(topics, topic) for topic in TOPICS}
    holds["topic_positives"] = positive & (F.size(topics) > 0)
    return {name: own & condition for name, condition in holds.items()}


def _received_counts(rules: FeatureRules) -> dict[str, Column]:
    """Counts of events on users' posts: name to the condition on rows."""
    read = is_kind("dwell") & (F.col("dwell_ms") >= rules.read_ms)
    holds = {"views": is_kind("impression"), "positives": is_kind(*POSITIVE), "negatives": is_kind(*NEGATIVE)}
    holds |= {"reports": is_kind("report"), "reads": read}
    return {f"received_{name}": ~F.col("is_own") & condition for name, condition in holds.items()}
