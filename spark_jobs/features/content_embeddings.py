"""gold.content_embeddings: what each text of a post says, read once, in the night after it was written.

A night reads the posts that are new or whose text changed since the last one; the first night of a content model reads
all. A post has a row for every night in which it was read, so that a text's earlier versions stay.
"""

from collections.abc import Iterable, Iterator
from datetime import timedelta
from functools import partial

import pyarrow as pa
from pyspark import Broadcast
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from contracts.settings import Content
from models.content.encoder import ContentModel
from models.content.languages import languages_of
from models.content.sentiment import sentiments
from spark_jobs.features.content_models import load_model
from spark_jobs.features.post_texts import texts_of, written_posts
from spark_jobs.lake import write_partition
from spark_jobs.night import Night
from spark_jobs.post_columns import WRITING_COLUMNS
from spark_jobs.user_batches import float_matrix, number_lists

TABLE = "gold.content_embeddings"
WRITING = tuple(name for name in WRITING_COLUMNS if name != "sentiment")
CARRIED = ("post_id", "text_at", "text_hash", *WRITING)
SCHEMA = (
    "post_id BIGINT, text_at TIMESTAMP, text_hash BIGINT, "
    + ", ".join(f"{name} FLOAT" for name in WRITING)
    + ", language STRING, sentiment FLOAT, topics ARRAY<FLOAT>, embedding ARRAY<FLOAT>"
)


def transform(posts: DataFrame, known: DataFrame, model: ContentModel, content: Content) -> DataFrame:
    """Read the texts of ``posts`` that are not ``known`` (post_id, text_hash); grain: post_id."""
    texts = texts_of(posts, content).join(known, ["post_id", "text_hash"], "left_anti")
    shared = posts.sparkSession.sparkContext.broadcast(model)
    read = texts.select(*CARRIED, "plain", "tokens", "buckets", "named").mapInArrow(
        partial(read_texts, shared, content.min_language_confidence), SCHEMA
    )
    return read.withColumn("content_version", F.lit(model.version))


def read_texts(
    shared: Broadcast[ContentModel], min_confidence: float, batches: Iterable[pa.RecordBatch]
) -> Iterator[pa.RecordBatch]:
    """Language, sentiment, topics and embedding of each row of ``texts_of``."""
    for batch in batches:
        if batch.num_rows == 0:
            continue
        languages = languages_of(batch.column("plain"), min_confidence)
        topics, embeddings = shared.value.encode(batch.column("buckets"), float_matrix(batch.column("named")))
        yield pa.record_batch(
            [
                *(batch.column(name) for name in CARRIED),
                languages,
                pa.array(sentiments(languages, batch.column("tokens"))),
                number_lists(topics),
                number_lists(embeddings),
            ],
            names=[*CARRIED, "language", "sentiment", "topics", "embedding"],
        )


def posts_to_read(night: Night, version: str) -> tuple[DataFrame, DataFrame]:
    """Posts whose text may not have been read under content model ``version``, and what was read of them.

    An edit is received up to ``late_days`` after it was made, and the last night read all that was received by then:
    so a text that was not read yet is at most that old, and one that was read lies in a partition as young.
    """
    posts = written_posts(night)
    earlier = (F.col("ds") < F.lit(night.ds)) & (F.col("content_version") == version)
    readings = night.read(TABLE).where(earlier)
    last = readings.agg(F.max("ds").alias("ds")).first()
    if last is not None and last.ds is not None:
        oldest = last.ds - timedelta(days=night.settings.dataset.late_days)
        posts = posts.where(F.col("updated_at") >= F.lit(oldest).cast("timestamp"))
        readings = readings.where(F.col("ds") >= F.lit(oldest))
    return posts, readings.select("post_id", "text_hash")


def main(night: Night) -> None:
    """Build the night's partition."""
    content = night.settings.content
    model = load_model(night.read("gold.content_models"), night.ds, content)
    posts, known = posts_to_read(night, model.version)
    read = transform(posts, known, model, content).withColumn("ds", F.lit(night.ds))
    write_partition(night.lake, TABLE, read, [night.ds])
