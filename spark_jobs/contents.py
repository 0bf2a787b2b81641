"""What the texts of posts say, version by version."""

from collections.abc import Mapping

from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as F


def join_contents(points: DataFrame, contents: DataFrame, columns: Mapping[str, Column]) -> DataFrame:
    """``points`` (post_id, text_at, ...) with ``columns`` over gold.content_embeddings; null where nothing was read.

    ``text_at`` is when the version of the post was made that the point sees. Of two readings of a version, the later
    night's counts.
    """
    newest_first = Window.partitionBy("post_id", "text_at").orderBy(F.desc("ds"))
    readings = contents.select(
        "post_id",
        "text_at",
        F.row_number().over(newest_first).alias("_place"),
        *(column.alias(name) for name, column in columns.items()),
    )
    return points.join(readings.where(F.col("_place") == 1).drop("_place"), ["post_id", "text_at"], "left")
