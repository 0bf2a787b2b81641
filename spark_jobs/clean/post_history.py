"""All known versions of posts, independent of the order of arrival.

silver.posts keeps the latest version, silver.post_edits the earlier ones. Both depend on the *set* of versions only, so
late, repeated and unordered events give the same rows.
"""

from pyspark.sql import DataFrame, Window
from pyspark.sql import functions as F

from spark_jobs.clean.references import Reference, check, refuse_where
from spark_jobs.clean.typed_events import typed_events
from spark_jobs.night.night import Night
from spark_jobs.rules.point_in_time import visible_micros

CONTENT = (
    "author_id",
    "source_type",
    "source_id",
    "content_type",
    "text",
    "hashtags",
    "mentions",
    "media_count",
    "media",
    "image_quality",
    "tags",
    "location",
    "privacy",
    "audience",
    "created_at",
)
VERSIONS = ("post_created", "post_updated")
POST_EVENTS = (*VERSIONS, "post_deleted")

VERSION = ("post_id", *CONTENT, "updated_at", "event_id", "landing_date")


def check_versions(night: Night, scope: DataFrame) -> DataFrame:
    """Typed post_created and post_updated events; those with an unknown author, page or group have a reason.

    So does an event that is older than the ``created_at`` that it carries.
    """
    source_type, users = F.col("source_type"), night.read("silver.users").select("user_id")
    pages, groups = night.read("silver.pages").select("page_id"), night.read("silver.groups").select("group_id")
    checked = check(
        typed_events(scope, *VERSIONS),
        [
            Reference("author_id", users, "unknown_user", only_when=F.col("author_id").isNotNull()),
            Reference("source_id", pages, "unknown_page", only_when=source_type == "page"),
            Reference("source_id", groups, "unknown_group", only_when=source_type == "group"),
        ],
    )
    return refuse_where(checked, F.col("event_time") < F.col("created_at"), "before_creation", "created_at")


def event_versions(events: DataFrame) -> DataFrame:
    """The versions in typed post_created and post_updated events, with ``received_at``; grain: event_id."""
    no_texts, no_ids = F.array().cast("array<string>"), F.array().cast("array<bigint>")
    whole = {
        "source_id": F.when(F.col("source_type") == "friend", F.col("author_id")).otherwise(F.col("source_id")),
        "hashtags": F.coalesce(F.transform("hashtags", F.lower), no_texts),
        "mentions": F.coalesce("mentions", no_ids),
        "media_count": F.coalesce("media_count", F.lit(0)),
        "audience": F.coalesce("audience", no_ids),
        "updated_at": F.col("event_time"),
    }
    return events.withColumns(whole).select(*VERSION, "received_at")


def known_versions(new_versions: DataFrame, posts: DataFrame, edits: DataFrame, affected: DataFrame) -> DataFrame:
    """Every version of the ``affected`` posts (post_id); grain: post_id, updated_at.

    ``new_versions`` come from ``event_versions``; ``posts`` and ``edits`` are the tables before the merge. If versions
    have the same event time, the greatest event id counts. ``superseded_at`` and ``superseded_received_at`` belong to
    the later version that could be seen first, and are null for the latest version. ``came_first``: no other version
    could be seen before it. ``post_received_at``: when the first event of the post was received.
    """
    latest = posts.withColumnsRenamed({"received_at": "post_received_at", "version_received_at": "received_at"})
    # Old rows of silver.posts lack the time at which their version was received.
    latest = latest.withColumn("received_at", F.coalesce("received_at", "post_received_at"))
    earlier = edits.withColumn("post_received_at", F.col("received_at"))
    columns = (*VERSION, "received_at", "post_received_at")
    known = latest.select(*columns).unionByName(earlier.select(*columns)).join(affected, "post_id", "left_semi")
    together = new_versions.withColumn("post_received_at", F.col("received_at")).unionByName(known)
    by_post = Window.partitionBy("post_id")
    # If an event was delivered twice and the later delivery was read first, the earlier delivery counts.
    newest_first = by_post.orderBy(
        F.desc("updated_at"), F.desc_nulls_last("event_id"), "received_at", F.asc_nulls_last("landing_date")
    )
    ranked = together.withColumns(
        {
            "post_received_at": F.min("post_received_at").over(by_post),
            "newer_at": F.lag("updated_at").over(newest_first),
        }
    )
    versions = ranked.where(F.col("newer_at").isNull() | (F.col("newer_at") != F.col("updated_at")))
    seen = visible_micros("updated_at", "received_at")
    later = by_post.orderBy(F.desc("updated_at")).rowsBetween(Window.unboundedPreceding, -1)
    # If two versions became visible at the same instant, the older one was never seen.
    in_order = F.struct(seen.alias("seen"), (-F.unix_micros("updated_at")).alias("age"))
    return versions.withColumns(
        {
            "next": F.min(F.struct(seen.alias("seen"), "received_at", "updated_at")).over(later),
            "came_first": F.min(in_order).over(by_post) == in_order,
        }
    ).select(
        *columns,
        "came_first",
        F.col("next.updated_at").alias("superseded_at"),
        F.col("next.received_at").alias("superseded_received_at"),
    )
