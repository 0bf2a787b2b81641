"""What the texts of posts say, as they stood at an instant."""

from collections.abc import Mapping

from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as F


def join_contents(points: DataFrame, contents: DataFrame, columns: Mapping[str, Column]) -> DataFrame:
    """``points`` (post_id, instant, ...) with ``columns`` over gold.content_embeddings; null where nothing was read.

    A text counts after the instant it was written, until that of the post's next text, so that an edit changes nothing
    from before it. Of two readings of one text, the later night's counts.
    """
    by_post = Window.partitionBy("post_id").orderBy("text_at", "ds")
    spans = contents.select(
        F.col("post_id").alias("_post_id"),
        F.col("text_at").alias("_since"),
        F.lead("text_at").over(by_post).alias("_until"),
        *(column.alias(name) for name, column in columns.items()),
    )
    stood = (F.col("_since") < F.col("instant")) & (F.col("_until").isNull() | (F.col("instant") <= F.col("_until")))
    joined = points.join(spans, (F.col("post_id") == F.col("_post_id")) & stood, "left")
    return joined.drop("_post_id", "_since", "_until")
