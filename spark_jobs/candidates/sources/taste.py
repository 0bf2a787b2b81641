"""Posts near a user's taste: topics and text are compared with what the user has engaged with.

A user is a vector, and so is a post; their inner product is

    scale · (Σ_t interest_t · topic_t  +  text · preference · (embedding - mean embedding))  +  constant

with the weights of ``TasteWeights``; here scale is 1 and the constant rate · log-odds(engagement rate). FAISS finds the
posts with the greatest ones.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import partial

import faiss
import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from pyspark import Broadcast
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from contracts.features import TOPICS
from contracts.settings import TasteWeights
from spark_jobs.candidates.offers import Offers
from spark_jobs.rules.rates import clipped_log_odds
from spark_jobs.rules.user_batches import float_matrix

Floats = NDArray[np.float32]

SCHEMA = "user_id BIGINT, post_id BIGINT, priority DOUBLE"
USERS_PER_SEARCH = 128
MARGIN = 32
"""Extra posts that are found and then ordered exactly, so that batches of users do not affect the last places."""

SEARCHED_WHOLE = 50_000
"""Up to this many posts are searched exhaustively; more are divided into cells, of which the nearest are searched."""

PROBED_SHARE = 0.1
"""Share of the cells that is searched."""


@dataclass(frozen=True)
class Nearby:
    """An index over posts: ``post_ids`` (N,) ascending, ``vectors`` (N, d), ``index`` as FAISS writes it."""

    post_ids: NDArray[np.int64]
    vectors: Floats
    index: NDArray[np.uint8]


def propose(offers: Offers) -> DataFrame:
    """Open posts nearest to each user's taste."""
    constant = F.lit(offers.settings.taste.rate) * clipped_log_odds(F.col("engagement_rate"))
    posts = offers.open_posts.withColumns({"scale": F.lit(1.0), "constant": constant})
    return nearest(offers, posts, offers.settings.candidates.taste)


def nearest(offers: Offers, posts: DataFrame, limit: int) -> DataFrame:
    """For each user with features, the ``limit`` nearest of ``posts``, and as many more as they have seen of these.

    ``posts`` have ``scale`` and ``constant``.
    """
    spark = posts.sparkSession
    numbers = (F.col(name).cast("float").alias(name) for name in ("scale", "constant"))
    rows = posts.select("post_id", "read_topics", "content_embedding", *numbers).orderBy("post_id").toArrow()
    if rows.num_rows == 0:
        return spark.createDataFrame([], SCHEMA)
    nearby = spark.sparkContext.broadcast(build(rows, offers.settings.taste))
    seen = offers.seen.join(F.broadcast(posts.select("post_id")), "post_id", "left_semi")
    num_seen = seen.groupBy("user_id").agg(F.count("*").alias("num_seen"))
    interests = F.array(*(F.col(f"interest_{topic}").cast("float") for topic in TOPICS)).alias("interests")
    tastes = offers.tastes.select("user_id", interests, "topic_preference").join(num_seen, "user_id", "left")
    known = offers.users.join(tastes.fillna(0, ["num_seen"]), "user_id", "inner")
    return known.mapInArrow(partial(search, nearby, limit), SCHEMA)


def build(rows: pa.Table, weights: TasteWeights) -> Nearby:
    """The index over ``rows``: post_id, read_topics, content_embedding, scale, constant; one or more, by post_id."""
    batch = rows.combine_chunks().to_batches()[0]
    topics, embedding = float_matrix(batch.column("read_topics")), float_matrix(batch.column("content_embedding"))
    scale, constant = (batch.column(name).to_numpy()[:, None] for name in ("scale", "constant"))
    parts = (scale * topics, scale * weights.text * (embedding - embedding.mean(axis=0)), constant)
    vectors = np.ascontiguousarray(np.hstack(parts), dtype=np.float32)
    return Nearby(batch.column("post_id").to_numpy(), vectors, faiss.serialize_index(index_over(vectors)))


def index_over(vectors: Floats) -> faiss.Index:
    """An exact index for few ``vectors``; for many, an index of cells, whose recall a test measures."""
    size = vectors.shape[1]
    exact = faiss.IndexFlatIP(size)
    if len(vectors) <= SEARCHED_WHOLE:
        exact.add(vectors)
        return exact
    num_cells = int(np.sqrt(len(vectors)))
    cells = faiss.IndexIVFFlat(exact, size, num_cells, faiss.METRIC_INNER_PRODUCT)
    cells.cp.seed = 1
    cells.train(vectors)
    cells.add(vectors)
    cells.nprobe = max(1, int(PROBED_SHARE * num_cells))
    return cells


def search(nearby: Broadcast[Nearby], limit: int, batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    """The nearest posts of each user; batches have user_id, interests, topic_preference, num_seen."""
    faiss.omp_set_num_threads(1)  # a worker has one core of its machine
    posts = nearby.value
    index = faiss.deserialize_index(posts.index)
    for batch in batches:
        for start in range(0, batch.num_rows, USERS_PER_SEARCH):
            users = batch.slice(start, USERS_PER_SEARCH)
            ones = np.ones((users.num_rows, 1), dtype=np.float32)
            vectors = (float_matrix(users.column("interests")), float_matrix(users.column("topic_preference")), ones)
            queries = np.ascontiguousarray(np.hstack(vectors))
            most_by_user = limit + users.column("num_seen").to_numpy()
            most = min(int(most_by_user.max()) + MARGIN, len(posts.post_ids))
            yield pick(users.column("user_id").to_numpy(), queries, most_by_user, posts, index.search(queries, most)[1])


def pick(
    user_ids: NDArray[np.int64], queries: Floats, most: NDArray[np.int64], posts: Nearby, rows: NDArray[np.int64]
) -> pa.RecordBatch:
    """The ``most`` best posts of each user among ``rows`` (users, ranks; -1 for none), ordered exactly."""
    # Products are summed pair by pair, in the same order for any batch; the lower id wins a tie.
    products = posts.vectors[rows].astype(np.float64) * queries[:, None, :]
    priority = np.where(rows < 0, -np.inf, products.sum(axis=2))
    order = np.lexsort((rows, -priority), axis=1)
    rows, priority = np.take_along_axis(rows, order, 1), np.take_along_axis(priority, order, 1)
    is_taken = (np.arange(rows.shape[1]) < most[:, None]) & (rows >= 0)
    users = np.repeat(user_ids, is_taken.sum(axis=1))
    columns = [pa.array(users), pa.array(posts.post_ids[rows[is_taken]]), pa.array(priority[is_taken])]
    return pa.record_batch(columns, names=["user_id", "post_id", "priority"])
