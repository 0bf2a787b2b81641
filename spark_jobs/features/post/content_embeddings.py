"""gold.content_embeddings: readings of the text of each version of a post, made in the night after it landed.

A night reads the versions that are new since the last night, edits included; the first night of a content model reads
all. A version has a row for every night that read it.
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
from models.content.sentences import sentence_vectors
from models.content.sentiment import sentiments
from spark_jobs.features.days import SNAPSHOTS, Plan, arrivals_since, record
from spark_jobs.features.post.content_models import load_model
from spark_jobs.features.post.post_texts import in_set_batches, texts_of, written_posts
from spark_jobs.night.landing_reads import NONE, newest_arrival
from spark_jobs.night.night import Night
from spark_jobs.night.writers import write_partition
from spark_jobs.rules.point_in_time import seen_day
from spark_jobs.rules.post_columns import WRITING_COLUMNS
from spark_jobs.rules.user_batches import float_matrix, number_lists

TABLE = "gold.content_embeddings"
WRITING = tuple(name for name in WRITING_COLUMNS if name != "sentiment")
CARRIED = ("post_id", "text_at", "text_hash", *WRITING)
SCHEMA = (
    "post_id BIGINT, text_at TIMESTAMP, text_hash BIGINT, "
    + ", ".join(f"{name} FLOAT" for name in WRITING)
    + ", language STRING, sentiment FLOAT, topics ARRAY<FLOAT>, embedding ARRAY<FLOAT>"
)


def transform(posts: DataFrame, known: DataFrame, model: ContentModel, content: Content) -> DataFrame:
    """Read the texts of ``posts`` that are not ``known`` (post_id, text_hash); grain: post_id, text_at."""
    texts = texts_of(posts, content).join(known, ["post_id", "text_hash"], "left_anti")
    if model.encoder is not None:
        texts = in_set_batches(texts)
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
        model, plain, buckets = shared.value, batch.column("plain"), batch.column("buckets")
        languages = languages_of(plain, min_confidence)
        sentences = None if model.encoder is None else sentence_vectors(plain, buckets, model.encoder)
        topics, embeddings = model.encode(buckets, float_matrix(batch.column("named")), sentences)
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
    """Versions of posts that may be unread under content model ``version``, and the readings that they may have.

    The newest earlier night of this model read every version that silver had by then. A version that arrived later is
    read in the night of the first day on which it can be seen, or later, so only partitions from that day on can have
    its readings.
    """
    versions = written_posts(night)
    earlier = (F.col("ds") < F.lit(night.ds)) & (F.col("content_version") == version)
    readings = night.read(TABLE).where(earlier)
    first = readings.agg(F.min("ds").alias("ds")).first()
    if first is not None and first.ds is not None:
        nights = F.col("day").between(F.lit(first.ds), F.date_sub(F.lit(night.ds), 1))
        read = night.read(SNAPSHOTS).where((F.col("table_name") == TABLE) & nights)
        newest = read.agg(F.max(F.struct("day", "batch")).alias("newest")).first()
        if newest is not None and newest.newest is not None and newest.newest.batch > NONE:
            arrivals = arrivals_since(night, newest.newest.batch)
            # Silver may have had events that a fast clock dated after that night's midnight; the night did not see
            # them.
            unseen = newest.newest.day + timedelta(days=1)
            since = F.lit(min((unseen, *(one.seen_from for one in arrivals))))
            versions = versions.where(seen_day("updated_at", "received_at") >= since)
            readings = readings.where(F.col("ds") >= since)
    return versions, readings.select("post_id", "text_hash")


def main(night: Night) -> None:
    """Build the night's partition."""
    content, plan = night.settings.content, Plan(TABLE, [night.ds], newest_arrival(night), {})
    model = load_model(night.read("gold.content_models"), night.ds)
    posts, known = posts_to_read(night, model.version)
    read = transform(posts, known, model, content).withColumn("ds", F.lit(night.ds))
    write_partition(night.lake, TABLE, read, [night.ds])
    record(night, plan)
