"""Join content columns to versions of posts."""

from collections.abc import Mapping

from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as F


def join_contents(points: DataFrame, contents: DataFrame, columns: Mapping[str, Column]) -> DataFrame:
    """``points`` (post_id, text_at, ...) with ``columns`` over gold.content_embeddings; null if no text was read.

    ``text_at`` is when the version that the point sees was made. If several nights read a version, the latest counts.
    """
    read = newest_readings(contents).select(
        "post_id", "text_at", *(column.alias(name) for name, column in columns.items())
    )
    return points.join(read, ["post_id", "text_at"], "left")


def newest_readings(readings: DataFrame) -> DataFrame:
    """The newest night's reading of each version (post_id, text_at)."""
    newest_first = Window.partitionBy("post_id", "text_at").orderBy(F.desc("ds"))
    return readings.withColumn("_place", F.row_number().over(newest_first)).where(F.col("_place") == 1).drop("_place")
