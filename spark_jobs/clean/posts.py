"""silver.posts: the latest version of every post; grain: post_id. A deleted post stays as a tombstone."""

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from spark_jobs.clean.changes import changed_rows
from spark_jobs.clean.news import has_news, news
from spark_jobs.clean.post_history import POST_EVENTS, check_versions, event_versions, known_versions
from spark_jobs.clean.references import Reference, accepted, check, needed_lines, write_refused
from spark_jobs.clean.typed_events import typed_events
from spark_jobs.night.night import Night
from spark_jobs.night.writers import merge_by_key
from spark_jobs.rules.point_in_time import visible_micros


def transform(versions: DataFrame, deletions: DataFrame, existing: DataFrame, edits: DataFrame) -> DataFrame:
    """The latest state of the posts in ``versions`` or ``deletions``.

    ``existing`` is silver.posts, ``edits`` is silver.post_edits. The version with the greatest event time counts, then
    the greatest event id. A deleted post stays deleted. A post is received when its first version is.
    """
    new_versions = event_versions(versions)
    affected = new_versions.select("post_id").unionByName(deletions.select("post_id")).distinct()
    known = known_versions(new_versions, existing, edits, affected)
    latest = known.where(F.col("superseded_at").isNull()).withColumnsRenamed(
        {"received_at": "version_received_at", "post_received_at": "received_at"}
    )
    deleted = first_deletions(deletions, existing.join(affected, "post_id", "left_semi"))
    current = latest.join(deleted.withColumn("is_deleted", F.lit(col=True)), "post_id", "left")
    return current.fillna(value=False, subset=["is_deleted"]).select(*existing.columns)


def first_deletions(deletions: DataFrame, existing: DataFrame) -> DataFrame:
    """Each post's deletion that could be seen first, from ``deletions`` (typed events) or ``existing``.

    Grain: post_id of deleted posts; times are null for rows of ``existing`` from before these columns existed.
    """
    columns = ("post_id", "deleted_at", "deletion_received_at")
    new_deletions = deletions.select("post_id", F.col("event_time").alias("deleted_at"), "received_at").toDF(*columns)
    both = new_deletions.unionByName(existing.where("is_deleted").select(*columns))
    seen = visible_micros("deleted_at", "deletion_received_at")
    deletion = F.struct(seen.alias("seen"), "deletion_received_at", "deleted_at")
    first = F.min(F.when(F.col("deleted_at").isNotNull(), deletion)).alias("first")
    return both.groupBy("post_id").agg(first).select("post_id", "first.deleted_at", "first.deletion_received_at")


def main(night: Night) -> None:
    """Merge new posts; deletions are checked against the posts after the merge."""
    if not has_news(night, "silver.posts", *POST_EVENTS):
        return
    scope = news(night, "silver.posts")
    existing = night.read("silver.posts")
    versions = needed_lines(check_versions(night, scope)).persist()
    known = existing.select("post_id").unionByName(accepted(versions).select("post_id"))
    deletions = check(typed_events(scope, "post_deleted"), [Reference("post_id", known, "unknown_post")]).persist()
    try:
        rows = transform(accepted(versions), accepted(deletions), existing, night.read("silver.post_edits"))
        changed = changed_rows(rows, existing, ["post_id"])
        merge_by_key(night.lake, "silver.posts", changed, update_when="true")
        write_refused(night, "silver.posts", versions, deletions)
    finally:
        versions.unpersist()
        deletions.unpersist()
