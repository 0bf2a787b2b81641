"""silver.posts: the latest version of every post; grain: post_id. A deleted post stays as a tombstone."""

from pyspark.sql import DataFrame, Window
from pyspark.sql import functions as F

from spark_jobs.clean.changes import changed_rows
from spark_jobs.clean.references import Reference, accepted, check, only_refused_lines, refuse_where, write_refused
from spark_jobs.clean.typed_events import landed_in_scope, typed_events
from spark_jobs.lake import merge_by_key
from spark_jobs.night import Night


def check_versions(events: DataFrame, users: DataFrame, pages: DataFrame, groups: DataFrame) -> DataFrame:
    """Typed post_created and post_updated, with the reason where author, page or group are unknown.

    So is the reason told of an event from before the creation that it carries.
    """
    source_type = F.col("source_type")
    checked = check(
        events,
        [
            Reference("author_id", users.select("user_id"), "unknown_user"),
            Reference("source_id", pages.select("page_id"), "unknown_page", only_when=source_type == "page"),
            Reference("source_id", groups.select("group_id"), "unknown_group", only_when=source_type == "group"),
        ],
    )
    return refuse_where(checked, F.col("event_time") < F.col("created_at"), "before_creation", "created_at")


def transform(versions: DataFrame, deletions: DataFrame, existing: DataFrame) -> DataFrame:
    """The posts that ``versions`` or ``deletions`` name, as they stand now; ``existing`` is silver.posts.

    The version with the greatest event time counts, then the greater event id; a deleted post stays deleted, and a
    post was received when its first version was.
    """
    no_texts, no_ids = F.array().cast("array<string>"), F.array().cast("array<bigint>")
    news = versions.select(
        "post_id",
        "author_id",
        "source_type",
        F.when(F.col("source_type") == "friend", F.col("author_id")).otherwise(F.col("source_id")).alias("source_id"),
        "content_type",
        "text",
        F.coalesce(F.transform("hashtags", F.lower), no_texts).alias("hashtags"),
        F.coalesce("mentions", no_ids).alias("mentions"),
        F.coalesce("media_count", F.lit(0)).alias("media_count"),
        "media",
        "tags",
        "location",
        "privacy",
        F.coalesce("audience", no_ids).alias("audience"),
        "created_at",
        F.col("event_time").alias("updated_at"),
        F.lit(col=False).alias("is_deleted"),
        "received_at",
        "event_id",
    )
    gone = deletions.select("post_id").distinct().withColumn("is_gone", F.lit(col=True))
    affected = news.select("post_id").unionByName(gone.select("post_id")).distinct()
    old = existing.join(affected, on="post_id", how="left_semi").withColumn("event_id", F.lit(None).cast("string"))
    by_post = Window.partitionBy("post_id")
    latest = by_post.orderBy(F.desc("updated_at"), F.desc_nulls_last("event_id"))
    ranked = news.unionByName(old).withColumns(
        {
            "rank": F.row_number().over(latest),
            "received_at": F.min("received_at").over(by_post),
            "is_deleted": F.max("is_deleted").over(by_post),
        }
    )
    current = ranked.where(F.col("rank") == 1).join(gone, on="post_id", how="left")
    deleted = F.col("is_deleted") | F.col("is_gone").isNotNull()
    return current.withColumn("is_deleted", deleted).select(*existing.columns)


def main(night: Night) -> None:
    """Merge the night's news of posts; deletions are checked against the posts that stand after it."""
    scope, existing = landed_in_scope(night), night.read("silver.posts")
    versions = only_refused_lines(
        check_versions(
            typed_events(scope, "post_created", "post_updated"),
            night.read("silver.users"),
            night.read("silver.pages"),
            night.read("silver.groups"),
        )
    ).persist()
    known = existing.select("post_id").unionByName(accepted(versions).select("post_id"))
    deletions = check(typed_events(scope, "post_deleted"), [Reference("post_id", known, "unknown_post")]).persist()
    try:
        write_refused(night, "silver.posts", versions)
        write_refused(night, "silver.posts", deletions)
        rows = transform(accepted(versions), accepted(deletions), existing)
        changed = changed_rows(rows, existing, ["post_id"])
        merge_by_key(night.lake, "silver.posts", changed, update_when="true")
    finally:
        versions.unpersist()
        deletions.unpersist()
