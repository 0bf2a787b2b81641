"""gold.content_models: the fitted content models, a few megabytes each.

A model has a row for each word that it knows and, with a sentence encoder, one for each dimension of the encoder's
vectors. It is used until it is ``refit_days`` old, or until an encoder is installed or removed. It learns from texts
and hashtags only, never from engagements, and only from texts older than every example that may use it. Its embeddings
are rotated to match those of the model before it.
"""

from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, date, datetime, timedelta
from functools import partial
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray
from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from contracts.features import TOPICS
from contracts.settings import Content
from contracts.shape import EMBEDDING_SIZE, NUM_BUCKETS
from models.content.encoder import ContentModel, fit
from models.content.sentences import installed, sentence_vectors
from spark_jobs.features.post.post_texts import in_set_batches, texts_of, written_posts
from spark_jobs.night.night import Night
from spark_jobs.night.writers import write_partition
from spark_jobs.rules.point_in_time import seen_day
from spark_jobs.rules.post_versions import is_version_before
from spark_jobs.rules.user_batches import float_matrix, number_lists

TABLE = "gold.content_models"


def transform(
    posts: DataFrame, content: Content, seed: int, previous: ContentModel | None = None, encoder: str | None = None
) -> ContentModel:
    """Fit on a sample of ``posts``, in an order that depends on their ids only."""
    order = (F.xxhash64(F.lit(seed), F.col("post_id")), F.col("post_id"))
    sample = texts_of(posts.orderBy(*order).limit(content.sample_posts), content)
    table = sample.orderBy(*order).select("buckets", "named").toArrow().combine_chunks()
    buckets, named = (_only_chunk(table.column(name)) for name in ("buckets", "named"))
    return fit(
        buckets,
        float_matrix(named).reshape(-1, len(TOPICS)),
        num_buckets=NUM_BUCKETS,
        size=EMBEDDING_SIZE,
        min_posts=content.min_posts,
        previous=previous,
        sentences=None if encoder is None else (encoder, _sentences(sample, order, encoder, content.sample_sentences)),
    )


def _sentences(sample: DataFrame, order: Sequence[Column], encoder: str, most: int) -> NDArray[np.float32]:
    """The encoder's vectors of the first ``most`` texts of the sample, in order of their ids.

    They are sorted here, because a sort in Spark would read all texts twice: first to choose the partition bounds.
    """
    texts = in_set_batches(sample.orderBy(*order).limit(most).select("post_id", "plain", "buckets"))
    read = texts.mapInArrow(partial(read_sentences, encoder), "post_id BIGINT, vector ARRAY<FLOAT>")
    return float_matrix(_only_chunk(read.toArrow().sort_by("post_id").combine_chunks().column("vector")))


def read_sentences(encoder: str, batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    """The sentence vector of each row of ``texts_of``."""
    for batch in batches:
        if batch.num_rows > 0:
            vectors = sentence_vectors(batch.column("plain"), batch.column("buckets"), encoder)
            yield pa.record_batch([batch.column("post_id"), number_lists(vectors)], names=["post_id", "vector"])


def fitted_before(posts: DataFrame, window_start: date, as_of: datetime, fewest: int) -> datetime:
    """The midnight before which a text must be written and received to be fitted on: ``window_start``.

    A young lake has fewer than ``fewest`` texts from before it; then it is the first later midnight with as many, at
    most ``as_of``, and examples of the days before it use word counts of their own days.
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


def newest_model(models: DataFrame, ds: date) -> tuple[date | None, str | None]:
    """The day of the newest model fitted by ``ds``, and its sentence encoder."""
    row = models.where(F.col("ds") <= F.lit(ds)).agg(F.max(F.struct("ds", "encoder")).alias("newest")).first()
    return (None, None) if row is None or row.newest is None else (row.newest.ds, row.newest.encoder)


def load_model(models: DataFrame, ds: date) -> ContentModel:
    """The newest model fitted by ``ds``; if there is none, a model that knows no words."""
    newest, encoder = newest_model(models, ds)
    rows = models.where(F.col("ds") == F.lit(newest)).orderBy("encoder", "bucket")
    table = rows.select("encoder", "bucket", "vector", "votes", "num_buckets").toArrow().combine_chunks()
    if table.num_rows == 0:
        vectors, votes = (np.zeros((0, size), dtype=np.float32) for size in (EMBEDDING_SIZE, len(TOPICS)))
        return ContentModel(NUM_BUCKETS, np.zeros(0, dtype=np.int32), vectors, votes)
    is_word = pc.is_null(table.column("encoder"))
    words, dimensions = (table.filter(is_one).combine_chunks() for is_one in (is_word, pc.invert(is_word)))
    vectors = float_matrix(_only_chunk((words if encoder is None else dimensions).column("vector")))
    votes = float_matrix(_only_chunk(words.column("votes"))).reshape(-1, len(TOPICS))
    buckets, num_buckets = words.column("bucket").to_numpy(), table.column("num_buckets")[0].as_py()
    return ContentModel(num_buckets, buckets, vectors, votes, encoder)


def rows_of(model: ContentModel) -> pa.Table:
    """The model as rows of the table, without ``ds``: its words, then the dimensions of its encoder."""
    if model.encoder is None:
        return _rows(model, None, model.buckets, model.vectors, model.votes)
    no_vectors, no_votes = (np.zeros((len(rows), 0), np.float32) for rows in (model.buckets, model.inputs))
    words = _rows(model, None, model.buckets, no_vectors, model.votes)
    return pa.concat_tables([words, _rows(model, model.encoder, model.inputs, model.vectors, no_votes)])


def _rows(
    model: ContentModel,
    encoder: str | None,
    inputs: NDArray[np.int32],
    vectors: NDArray[np.float32],
    votes: NDArray[np.float32],
) -> pa.Table:
    columns: dict[str, Any] = {
        "content_version": pa.array([model.version] * len(inputs), pa.string()),
        "num_buckets": pa.array(np.full(len(inputs), model.num_buckets, dtype=np.int32)),
        "encoder": pa.array([encoder] * len(inputs), pa.string()),
        "bucket": pa.array(inputs),
        "vector": number_lists(vectors),
        "votes": number_lists(votes),
    }
    return pa.table(columns)


def main(night: Night) -> None:
    """Fit a model, unless a recent one of the installed encoder exists."""
    content, encoder = night.settings.content, installed()
    newest, current = newest_model(night.read(TABLE), night.ds)
    if newest is not None:
        if current != encoder:
            print(f"{TABLE}: the model of {newest} reads by {current or 'words'}, ", end="")
            print(f"and {encoder or 'no encoder'} is installed: a new one is fitted, and reads all posts")
        elif (night.ds - newest).days < content.refit_days:
            return
    posts = written_posts(night).where(~F.col("is_deleted"))
    window_start = night.ds - timedelta(days=night.settings.dataset.training_days)
    before = F.lit(fitted_before(posts, window_start, night.as_of, content.fewest_posts))
    older = posts.where(is_version_before(before))
    previous = load_model(night.read(TABLE), night.ds)
    model = transform(older, content, night.settings.seed, previous, encoder)
    rows = night.spark.createDataFrame(rows_of(model)).withColumn("ds", F.lit(night.ds))
    write_partition(night.lake, TABLE, rows, [night.ds])
