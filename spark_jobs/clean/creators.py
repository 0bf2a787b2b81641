"""silver.creators: users who have written a post or own a page; grain: creator_id.

Derived from silver.posts and silver.pages, so it has no events of its own.
"""

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from spark_jobs.clean.changes import changed_rows
from spark_jobs.night.night import Night
from spark_jobs.night.writers import delete_by_key, merge_by_key


def transform(posts: DataFrame, pages: DataFrame) -> DataFrame:
    """Every creator of ``posts`` and ``pages``; posts without a known author have none."""
    nothing = F.lit(None).cast("timestamp")
    written = posts.where("author_id IS NOT NULL").select(
        F.col("author_id").alias("creator_id"),
        F.lit(0).alias("page"),
        F.lit(1).alias("post"),
        (F.col("source_type") == "page").cast("int").alias("page_post"),
        "created_at",
        "received_at",
    )
    owned = pages.select(
        F.col("owner_id").alias("creator_id"),
        F.lit(1).alias("page"),
        F.lit(0).alias("post"),
        F.lit(0).alias("page_post"),
        nothing.alias("created_at"),
        "received_at",
    )
    facts = written.unionByName(owned)
    return facts.groupBy("creator_id").agg(
        F.sum("page").cast("int").alias("num_pages"),
        F.sum("post").alias("num_posts"),
        F.sum("page_post").alias("num_page_posts"),
        F.min("created_at").alias("first_post_at"),
        F.max("created_at").alias("last_post_at"),
        F.max("received_at").alias("received_at"),
    )


def main(night: Night) -> None:
    """Merge new and changed creators; delete those without any post or page left."""
    existing = night.read("silver.creators")
    rows = transform(night.read("silver.posts"), night.read("silver.pages")).persist()
    try:
        lost = existing.select("creator_id").join(rows.select("creator_id"), "creator_id", "left_anti")
        if not lost.isEmpty():
            delete_by_key(night.lake, "silver.creators", lost)
        changed = changed_rows(rows, existing, ["creator_id"])
        merge_by_key(night.lake, "silver.creators", changed, update_when="true")
    finally:
        rows.unpersist()
