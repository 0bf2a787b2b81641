"""New posts, whose quality is not known yet: ordered by author, similar posts, the user's taste, and a draw.

    priority = gain · (creator · c  +  content · q  +  draw · b  +  affinity · taste)

with the weights of ``NewPosts``. ``c`` is the rate of engagement of the creator's posts, shrunk to the usual rate and
compared with it; ``q`` that of the nearest posts that have engagements; ``b`` a draw of Beta(2, 5), divided by 1 + the
post's views; ``taste`` the inner product of ``taste.py`` without its rate. Good creators have a ``gain``.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from functools import partial

import faiss
import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from pyspark import Broadcast
from pyspark.sql import DataFrame, Window
from pyspark.sql import functions as F
from scipy.special import betaincinv

from contracts.settings import Exploration, NewPosts
from spark_jobs.candidates.offers import Offers
from spark_jobs.candidates.sources.taste import MARGIN, Floats, index_over, nearest
from spark_jobs.rules.authorship import author_key
from spark_jobs.rules.chance import uniform
from spark_jobs.rules.new_posts import is_new
from spark_jobs.rules.rates import smoothed_rate, with_engagement
from spark_jobs.rules.user_batches import float_matrix

SCHEMA = "post_id BIGINT, scale FLOAT, constant FLOAT"


@dataclass(frozen=True)
class Promise:
    """Inputs of ``judge``: ``vectors`` (N, d) and ``rates`` (N,) of posts with engagements, their index, the rules."""

    vectors: Floats
    rates: NDArray[np.float64]
    index: NDArray[np.uint8]
    rules: NewPosts
    exploration: Exploration
    seed: int
    day: int


def propose(offers: Offers) -> DataFrame:
    """Open posts of the last ``new_hours`` that are new."""
    limits = offers.settings.candidates
    open_posts = with_rates(offers.open_posts, offers.settings.smoothing.strength)
    is_young = F.col("created_at") >= F.lit(offers.as_of - timedelta(hours=limits.new_hours))
    posts = open_posts.where(is_young & is_new(F.col("num_views"), offers.as_of, offers.settings.exploration))
    answered = open_posts.where(F.col("num_engaged") > 0).select("post_id", "content_embedding", "rate")
    promise = promise_of(answered.orderBy("post_id").toArrow(), offers)
    spark = posts.sparkSession
    questions = posts.select("post_id", "content_embedding", "creator_rate", "usual", "num_views")
    judged = questions.mapInArrow(partial(judge, spark.sparkContext.broadcast(promise)), SCHEMA)
    return nearest(offers, posts.join(judged, "post_id", "inner"), limits.new)


def with_rates(posts: DataFrame, strength: float) -> DataFrame:
    """``with_engagement`` of ``posts``, and the ``creator_rate`` of the author's posts together."""
    by_author = Window.partitionBy(*author_key())
    engaged, views = (F.sum(name).over(by_author) for name in ("num_engaged", "num_views"))
    rate = smoothed_rate(engaged, views, F.col("usual"), strength)
    return with_engagement(posts, strength).withColumn("creator_rate", rate)


def promise_of(answered: pa.Table, offers: Offers) -> Promise:
    """From ``answered`` posts (post_id, content_embedding and rate, by post_id), which may be none."""
    settings, day = offers.settings, offers.as_of.date().toordinal()
    vectors = np.zeros((0, 1), dtype=np.float32)
    rates = np.zeros(0)
    if answered.num_rows:
        batch = answered.combine_chunks().to_batches()[0]
        vectors = np.ascontiguousarray(float_matrix(batch.column("content_embedding")))
        rates = batch.column("rate").to_numpy().astype(np.float64)
    index = faiss.serialize_index(index_over(vectors))
    return Promise(vectors, rates, index, settings.new_posts, settings.exploration, settings.seed, day)


def judge(sent: Broadcast[Promise], batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    """``SCHEMA`` of each post in batches of post_id, content_embedding, creator_rate, usual and num_views."""
    faiss.omp_set_num_threads(1)
    promise = sent.value
    rules, index = promise.rules, faiss.deserialize_index(promise.index)
    for batch in batches:
        if batch.num_rows == 0:
            continue
        ids, views = (batch.column(name).to_numpy() for name in ("post_id", "num_views"))
        creator, usual = (batch.column(name).to_numpy() for name in ("creator_rate", "usual"))
        content = content_of(float_matrix(batch.column("content_embedding")), promise, index, rules.neighbours)
        prior = promise.exploration
        drawn = betaincinv(prior.prior_engaged, prior.prior_ignored, uniform(promise.seed, ids, promise.day))
        gain = np.where(creator > rules.good_creator_rate, rules.good_creator_gain, 1.0)
        both = creator + usual
        of_creator = np.divide(creator, both, out=np.full(len(both), 0.5), where=both > 0)
        promised = rules.creator * of_creator + rules.content * content + rules.draw * drawn / (1.0 + views)
        columns = {"scale": gain * rules.affinity, "constant": gain * promised}
        yield pa.record_batch({"post_id": ids} | {name: values.astype(np.float32) for name, values in columns.items()})


def content_of(embedding: Floats, promise: Promise, index: faiss.Index, neighbours: int) -> NDArray[np.float64]:
    """Rate of the ``neighbours`` nearest answered posts, weighted by similarity, against the usual rate of these.

    ``embedding`` is ``(n, d)``; the result ``(n,)`` is in [0, 1), 0.5 for a post that is similar to none.
    """
    num = len(promise.vectors)
    most = min(num, neighbours + MARGIN)
    if most == 0:
        return np.full(len(embedding), 0.5)
    neighbour_rows = index.search(np.ascontiguousarray(embedding), most)[1]
    # Products are summed in the same order in every batch; the lower row wins a tie.
    similarity = (promise.vectors[neighbour_rows].astype(np.float64) * embedding[:, None, :]).sum(axis=2)
    similarity = np.where(neighbour_rows < 0, -np.inf, similarity)
    order = np.lexsort((neighbour_rows, -similarity), axis=1)[:, :neighbours]
    weight = np.maximum(np.take_along_axis(similarity, order, 1), 0.0)
    rate = promise.rates[np.take_along_axis(neighbour_rows, order, 1)]
    total, usual = weight.sum(axis=1), float(promise.rates.mean())
    earned = np.divide((weight * rate).sum(axis=1), total, out=np.full(len(total), usual), where=total > 0)
    return np.asarray(earned / (earned + usual))
