"""silver.post_edits: the versions of posts that a later edit replaced; grain: post_id, updated_at.

Few posts are ever edited, so the table is small. Together with silver.posts it gives the version of a post at any
instant (``spark_jobs/rules/post_versions.py``).
"""

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from spark_jobs.clean.changes import changed_rows
from spark_jobs.clean.news import has_news, news
from spark_jobs.clean.post_history import POST_EVENTS, check_versions, event_versions, known_versions
from spark_jobs.clean.references import accepted
from spark_jobs.night.night import Night
from spark_jobs.night.writers import merge_by_key


def transform(versions: DataFrame, posts: DataFrame, existing: DataFrame) -> DataFrame:
    """The replaced versions of the posts in ``versions``.

    ``versions`` are accepted, typed events; ``posts`` is silver.posts, ``existing`` is silver.post_edits before the
    merge.
    """
    new_versions = event_versions(versions)
    edited = with_several(new_versions, posts)
    known = known_versions(new_versions.join(edited, "post_id", "left_semi"), posts, existing, edited)
    return known.where(F.col("superseded_at").isNotNull()).select(*existing.columns)


def with_several(new_versions: DataFrame, posts: DataFrame) -> DataFrame:
    """Posts (post_id) with several versions or deliveries in ``new_versions``, or with another one than in ``posts``.

    They are few; only their texts are sorted.
    """
    version = F.struct("updated_at", "event_id", "received_at")
    current = posts.select("post_id", F.struct("updated_at", "event_id", "version_received_at").alias("existing"))
    both = new_versions.select("post_id", version.alias("version")).join(current, "post_id", "left")
    ends = both.groupBy("post_id").agg(
        F.min("version").alias("oldest"), F.max("version").alias("newest"), F.first("existing").alias("existing")
    )
    return ends.where("oldest <> newest OR newest <> existing").select("post_id")


def main(night: Night) -> None:
    """Merge the versions that new events replace. It runs before silver.posts, which still has the old versions.

    The job of silver.posts reads the same events and quarantines refused versions.
    """
    if not has_news(night, "silver.posts", *POST_EVENTS):
        return
    scope = news(night, "silver.posts", "silver.post_edits")
    existing = night.read("silver.post_edits")
    versions = accepted(check_versions(night, scope)).drop("raw").persist()
    try:
        rows = transform(versions, night.read("silver.posts"), existing)
        merge_by_key(night.lake, "silver.post_edits", changed_rows(rows, existing, ["post_id"]), update_when="true")
    finally:
        versions.unpersist()
