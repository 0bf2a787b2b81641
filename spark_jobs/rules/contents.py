"""What the texts of posts say, version by version."""

from collections.abc import Mapping

from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as F


def join_contents(points: DataFrame, contents: DataFrame, columns: Mapping[str, Column]) -> DataFrame:
    """``points`` (post_id, text_at, ...) with ``columns`` over gold.content_embeddings; null where nothing was read.

    ``text_at`` is when the version of the post was made that the point sees. Of two readings of a version, the later
    night's counts.
    """
    read = newest_readings(contents).select(
        "post_id", "text_at", *(column.alias(name) for name, column in columns.items())
    )
    return points.join(read, ["post_id", "text_at"], "left")


def newest_readings(readings: DataFrame) -> DataFrame:
    """Of the readings of one version (post_id, text_at) the newest night's."""
    newest_first = Window.partitionBy("post_id", "text_at").orderBy(F.desc("ds"))
    return readings.withColumn("_place", F.row_number().over(newest_first)).where(F.col("_place") == 1).drop("_place")
