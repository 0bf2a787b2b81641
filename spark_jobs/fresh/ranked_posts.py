"""Who gets which of the posts made since the night, in which order: candidates and scores by the code of the night.

Scores are compared with those of the pools, so they come from the model that ranked the pools, as of the same instant.
"""

from datetime import timedelta

import numpy as np
from pyspark.sql import DataFrame, Window
from pyspark.sql import functions as F

from contracts.settings import FreshRules
from spark_jobs.candidates import feed_candidates
from spark_jobs.candidates.offers import present_users
from spark_jobs.candidates.sources import friends
from spark_jobs.fresh.described_posts import Described
from spark_jobs.night.night import Night
from spark_jobs.night.session import num_shuffles
from spark_jobs.rules.context_columns import day_context
from spark_jobs.rules.counters import POSITIVE_COUNTS
from spark_jobs.rules.night_model import SIMPLE_SCORE, NightModel, model_named
from spark_jobs.rules.point_in_time import known_before
from spark_jobs.rules.policy import Policy, allowed_pairs, asks_of, flagged_posts
from spark_jobs.rules.user_batches import float_matrix
from spark_jobs.rules.visibility import Edges
from spark_jobs.score import post_embeddings, scored_candidates
from spark_jobs.score.candidate_scorer import Config
from spark_jobs.score.pair_stream import Inputs
from spark_jobs.score.post_vectors import PostVectors, Vectors


def policy_on(night: Night, described: Described) -> Policy:
    """Which of the posts policy withholds from whom; nobody has given a verdict on them yet."""
    no_verdicts = night.read("silver.content_labels").limit(0)
    users = night.read("silver.users").where(known_before(night.as_of, "valid_from"))
    flagged = flagged_posts(no_verdicts, described.risks, night.settings.policy)
    return Policy(flagged.localCheckpoint(), asks_of(users))


def candidates_of(night: Night, posts: DataFrame, edges: Edges, policy: Policy) -> DataFrame:
    """Rows as in ``gold.feed_candidates``: posts for the friends who may see them, as the source ``friend`` does it.

    ``posts`` have columns of silver.posts. No post is older than the night's as-of: until the next night, all are new.
    """
    none = {name: F.lit(0).cast("bigint") for name in POSITIVE_COUNTS}
    counted = posts.withColumns({**none, "engagement": F.lit(0.0)})
    # Nobody has seen them: what is seen during the day stays in a feed until the next night, as in pools.
    reached = friends.fanned_out(counted, edges.friends, present_users(night), night.as_of, night.settings.fan_out)
    proposals = reached.select("user_id", "post_id", F.lit("friend").alias("source"))
    as_of_night = counted.withColumn("created_at", F.least("created_at", F.lit(night.as_of)))
    return feed_candidates.transform(
        proposals=allowed_pairs(proposals, policy),
        posts=as_of_night,
        edges=edges,
        affinity=night.read_tonight("gold.affinity_features"),
        as_of=night.as_of,
        settings=night.settings,
    )


def scored(night: Night, candidates: DataFrame, described: Described, model_version: str) -> DataFrame:
    """(user_id, post_id, author_id, value_score) by the model that ranked the epoch."""
    if model_version in (SIMPLE_SCORE, "unknown"):
        return scored_candidates.by_simple_score(candidates)
    model = model_named(night, model_version)
    sent = night.spark.sparkContext.broadcast(vectors(night, described, model))
    config = Config(
        model=model,
        posts=sent,
        weights=night.settings.value,
        as_of_s=int(night.as_of.timestamp()),
        day=day_context(night.ds + timedelta(days=1)),
        num_partitions=num_shuffles(night.spark),
    )
    users = night.read_tonight("gold.user_features")
    chosen = users.join(candidates.select("user_id").distinct(), "user_id", "left_semi")
    inputs = Inputs(candidates, night.read_tonight("gold.affinity_features"), chosen)
    try:
        return scored_candidates.transform(inputs, config).localCheckpoint()
    finally:
        sent.destroy()


def vectors(night: Night, described: Described, model: NightModel) -> PostVectors:
    """What the model computes once per post. It is sent to the workers, because no table has it."""
    safety = post_embeddings.safeties(described.risks, night.settings.value)
    rates = described.features.select("post_id", "author_negative_rate")
    rows = post_embeddings.transform(described.features, model).join(rates, "post_id", "inner")
    table = rows.join(safety, "post_id", "left").toArrow().sort_by("post_id").combine_chunks()
    embedding, projection = (float_matrix(table.column(name).combine_chunks()) for name in ("embedding", "projection"))
    return PostVectors(
        ids=table.column("post_id").to_numpy(),
        heavy=Vectors(embedding, projection),
        author_negative_rate=table.column("author_negative_rate").to_numpy(),
        safety=table.column("safety").fill_null(1.0).to_numpy().astype(np.float32),
    )


def best_of(scores: DataFrame, rules: FreshRules) -> DataFrame:
    """The rows within the limits of each author and user, with their ``rank``; equal scores are in order of post_id."""
    best = (F.desc_nulls_last("value_score"), F.col("post_id"))
    of_author = Window.partitionBy("user_id", "author_id").orderBy(*best)
    few = scores.withColumn("_place", F.row_number().over(of_author)).where(F.col("_place") <= rules.per_author)
    ranked = few.withColumn("rank", F.row_number().over(Window.partitionBy("user_id").orderBy(*best)))
    return ranked.where(F.col("rank") <= rules.per_user).drop("_place")
