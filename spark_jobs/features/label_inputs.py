"""What the classifiers of content labels know of a post: the same columns for those who are fitted on and for all."""

from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as F

from contracts.landing import CONTENT_TYPES
from contracts.settings import Content
from spark_jobs.features.post_texts import texts_of
from spark_jobs.post_columns import WRITING_COLUMNS, content_columns
from spark_jobs.rates import log_count

TYPES = tuple(f"is_{kind}" for kind in CONTENT_TYPES)
COUNTS = {"log_media": "media_count", "log_hashtags": "hashtags", "log_mentions": "mentions"}
INPUTS = ("content_embedding", "read_topics", *WRITING_COLUMNS, "language", *TYPES, *COUNTS)
"""In the order of a model's coefficients, vectors at full length; the author's rate of the label comes after these."""


def newest_readings(readings: DataFrame) -> DataFrame:
    """Of the readings of one text (post_id, text_at) the newest night's."""
    newest_first = Window.partitionBy("post_id", "text_at").orderBy(F.desc("ds"))
    return readings.withColumn("_place", F.row_number().over(newest_first)).where(F.col("_place") == 1).drop("_place")


def inputs_of(posts: DataFrame, readings: DataFrame, content: Content) -> DataFrame:
    """``INPUTS`` and ``buckets``, the words, of each of ``readings`` whose text stands in ``posts``.

    Grain: that of ``readings``, rows of gold.content_embeddings; adds author_id.
    """
    said = content_columns()
    wanted = posts.join(readings.select("post_id"), "post_id", "left_semi").withColumns(_described())
    kept = ("author_id", *TYPES, *COUNTS)
    texts = texts_of(wanted, content, kept).select("post_id", "text_hash", "buckets", *kept)
    read = readings.select(
        "post_id", "text_hash", "text_at", *(said[name].alias(name) for name in INPUTS if name in said)
    )
    return texts.join(read, ["post_id", "text_hash"], "inner").select(
        "post_id", "author_id", "text_at", "buckets", *INPUTS
    )


def _described() -> dict[str, Column]:
    """What is known of a post beside its text."""
    counts = {name: F.col(column) if column.endswith("count") else F.size(column) for name, column in COUNTS.items()}
    return {
        **{f"is_{kind}": (F.col("content_type") == kind).cast("float") for kind in CONTENT_TYPES},
        **{name: log_count(F.greatest(count, F.lit(0))).cast("float") for name, count in counts.items()},
    }
