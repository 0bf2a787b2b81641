"""Inputs of the label models: the same columns for fitting and for judging."""

from pyspark.sql import DataFrame

from contracts.landing import CONTENT_TYPES
from contracts.settings import Content
from spark_jobs.features.post.post_texts import texts_of
from spark_jobs.rules.post_columns import WRITING_COLUMNS, content_columns, form_columns

FORM = (*(f"is_{kind}" for kind in CONTENT_TYPES), "log_media", "log_hashtags", "log_mentions")
"""Columns of ``post_columns.form_columns``."""

INPUTS = ("content_embedding", "read_topics", *WRITING_COLUMNS, "language", *FORM)
"""Inputs in the order of a model's coefficients; each vector counts in full, and the author's rate comes last."""


def inputs_of(posts: DataFrame, readings: DataFrame, content: Content) -> DataFrame:
    """``INPUTS`` and ``buckets`` (hashed words) of each of ``readings`` whose text is in ``posts``.

    Grain: that of ``readings``, rows of gold.content_embeddings; adds author_id.
    """
    columns = content_columns()
    form = {name: column.cast("float") for name, column in form_columns().items()}
    readable = posts.join(readings.select("post_id"), "post_id", "left_semi").withColumns(form)
    kept = ("author_id", *FORM)
    texts = texts_of(readable, content, kept).select("post_id", "text_hash", "buckets", *kept)
    read = readings.select(
        "post_id", "text_hash", "text_at", *(columns[name].alias(name) for name in INPUTS if name in columns)
    )
    return texts.join(read, ["post_id", "text_hash"], "inner").select(
        "post_id", "author_id", "text_at", "buckets", *INPUTS
    )
