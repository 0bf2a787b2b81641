"""silver.creators: users who have written a post or own a page; grain: creator_id.

Derived from silver.posts and silver.pages, so it has no events of its own.
"""

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from spark_jobs.clean.changes import changed_rows
from spark_jobs.lake import merge_by_key
from spark_jobs.night import Night


def transform(posts: DataFrame, pages: DataFrame, existing: DataFrame) -> DataFrame:
    """Every creator of ``posts`` and ``pages``; one of ``existing`` who has lost both keeps a row with zeros.

    Nobody's posts make no creator.
    """
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
    counted = facts.groupBy("creator_id").agg(
        F.sum("page").cast("int").alias("num_pages"),
        F.sum("post").alias("num_posts"),
        F.sum("page_post").alias("num_page_posts"),
        F.min("created_at").alias("first_post_at"),
        F.max("created_at").alias("last_post_at"),
        F.max("received_at").alias("received_at"),
    )
    lost = existing.join(counted.select("creator_id"), "creator_id", "left_anti").select(
        "creator_id",
        F.lit(0).alias("num_pages"),
        F.lit(0).cast("long").alias("num_posts"),
        F.lit(0).cast("long").alias("num_page_posts"),
        nothing.alias("first_post_at"),
        nothing.alias("last_post_at"),
        "received_at",
    )
    return counted.unionByName(lost).select(*existing.columns)


def main(night: Night) -> None:
    """Merge the creators who are new or have changed."""
    existing = night.read("silver.creators")
    rows = transform(night.read("silver.posts"), night.read("silver.pages"), existing)
    changed = changed_rows(rows, existing, ["creator_id"])
    merge_by_key(night.lake, "silver.creators", changed, update_when="true")
