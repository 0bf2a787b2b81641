"""gold.content_models: the fitted content models, one row for each word they know; a few megabytes each.

A model is fitted in one night and read until it is ``refit_days`` old. It learns from texts and hashtags only, never
from what anyone did with a post, and only from texts that are older than every example that may rest on it. Its
embeddings are turned to those of the model before it.
"""

from datetime import UTC, date, datetime, timedelta
from typing import Any

import numpy as np
import pyarrow as pa
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from contracts.features import TOPICS
from contracts.settings import Content
from models.content.encoder import ContentModel, fit
from spark_jobs.features.post_texts import texts_of, written_posts
from spark_jobs.lake import write_partition
from spark_jobs.night import Night
from spark_jobs.point_in_time import seen_day
from spark_jobs.post_versions import stands_before
from spark_jobs.user_batches import float_matrix, number_lists

TABLE = "gold.content_models"


def transform(posts: DataFrame, content: Content, seed: int, previous: ContentModel | None = None) -> ContentModel:
    """Fit on a sample of ``posts``, in an order that depends on nothing but their ids."""
    order = (F.xxhash64(F.lit(seed), F.col("post_id")), F.col("post_id"))
    sample = texts_of(posts.orderBy(*order).limit(content.sample_posts), content)
    table = sample.orderBy(*order).select("buckets", "named").toArrow().combine_chunks()
    buckets, named = (_only_chunk(table.column(name)) for name in ("buckets", "named"))
    return fit(
        buckets,
        float_matrix(named).reshape(-1, len(TOPICS)),
        num_buckets=content.num_buckets,
        size=content.embedding_size,
        min_posts=content.min_posts,
        previous=previous,
    )


def fitted_before(posts: DataFrame, window_start: date, as_of: datetime, fewest: int) -> datetime:
    """The midnight before which a text must be written and received to be fitted on: ``window_start``.

    In a young lake, which has fewer than ``fewest`` texts from before it, the first later midnight by which there are
    as many, at most ``as_of``: then examples of the days before it rest on word counts of their own days.
    """
    seen = posts.groupBy(seen_day("updated_at", "received_at").alias("day")).count().orderBy("day").collect()
    total = 0
    for row in seen:
        total += row["count"]
        if total >= fewest:
            day = max(window_start, row["day"] + timedelta(days=1))
            return min(datetime.combine(day, datetime.min.time(), UTC), as_of)
    return as_of


def _only_chunk(column: pa.ChunkedArray) -> pa.Array:
    return column.chunk(0) if column.num_chunks else pa.array([], column.type)


def newest_day(models: DataFrame, ds: date) -> date | None:
    """The day of the newest model fitted by ``ds``."""
    row = models.where(F.col("ds") <= F.lit(ds)).agg(F.max("ds").alias("ds")).first()
    return None if row is None else row.ds


def load_model(models: DataFrame, ds: date, content: Content) -> ContentModel:
    """The newest model fitted by ``ds``; one that knows no word where there is none."""
    rows = models.where(F.col("ds") == F.lit(newest_day(models, ds))).orderBy("bucket")
    table = rows.select("bucket", "vector", "votes", "num_buckets").toArrow().combine_chunks()
    if table.num_rows == 0:
        sizes = (content.embedding_size, len(TOPICS))
        nothing = (np.zeros((0, size), dtype=np.float32) for size in sizes)
        return ContentModel(content.num_buckets, np.zeros(0, dtype=np.int32), *nothing)
    buckets, vectors, votes, num_buckets = (_only_chunk(column) for column in table.columns)
    return ContentModel(num_buckets[0].as_py(), buckets.to_numpy(), float_matrix(vectors), float_matrix(votes))


def rows_of(model: ContentModel) -> pa.Table:
    """The model as rows of the table, without ``ds``."""
    size = len(model.buckets)
    columns: dict[str, Any] = {
        "content_version": pa.array([model.version] * size, pa.string()),
        "num_buckets": pa.array(np.full(size, model.num_buckets, dtype=np.int32)),
        "bucket": pa.array(model.buckets),
        "vector": number_lists(model.vectors),
        "votes": number_lists(model.votes),
    }
    return pa.table(columns)


def main(night: Night) -> None:
    """Fit a model, unless there is one that is young enough."""
    content = night.settings.content
    newest = newest_day(night.read(TABLE), night.ds)
    if newest is not None and (night.ds - newest).days < content.refit_days:
        return
    posts = written_posts(night).where(~F.col("is_deleted"))
    window_start = night.ds - timedelta(days=night.settings.dataset.training_days)
    before = F.lit(fitted_before(posts, window_start, night.as_of, content.fewest_posts))
    older = posts.where(stands_before(before))
    previous = load_model(night.read(TABLE), night.ds, content)
    model = transform(older, content, night.settings.seed, previous)
    rows = night.spark.createDataFrame(rows_of(model)).withColumn("ds", F.lit(night.ds))
    write_partition(night.lake, TABLE, rows, [night.ds])
