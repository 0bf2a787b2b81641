"""``gold.scored_candidates``: every candidate of every user, scored per head and by value.

Grain: one user and one post as of the end of ``ds``. Candidates are joined to their affinity and grouped by user;
workers read the post vectors, which are never shuffled. In a night without a model, the value is the simple score of
the candidate stage, and the heads are null.
"""

from datetime import timedelta
from functools import partial

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from contracts.features import Entity, defaults_of, features_of
from contracts.heads import SCORE_COLUMNS
from spark_jobs.night.feature_columns import dense_array
from spark_jobs.night.night import Night
from spark_jobs.night.session import num_shuffles
from spark_jobs.night.writers import write_partition
from spark_jobs.rules.context_columns import day_context
from spark_jobs.rules.night_model import SIMPLE_SCORE, NightModel, scorer_of
from spark_jobs.score.candidate_scorer import SCHEMA, Config, PostSource, score_users


def transform(candidates: DataFrame, affinity: DataFrame, users: DataFrame, config: Config) -> DataFrame:
    """Score ``candidates``; ``affinity`` and ``users`` are the feature rows of the same ``ds``.

    A pair without an affinity row and a user without features get the registry's defaults. The result does not
    depend on partitioning or batch size: each user is scored alone, candidates in order of ``post_id``.
    """
    pairs = affinity.select("user_id", "author_id", feature_list("pair").alias("pair_features"))
    defaults = F.array(*(F.lit(default).cast("float") for default in defaults_of("pair")))
    rows = candidates.join(pairs, ["user_id", "author_id"], "left").select(
        "user_id",
        "post_id",
        "author_id",
        F.unix_timestamp("created_at").alias("created_s"),
        F.coalesce("pair_features", defaults).alias("features"),
    )
    none = F.lit(None).cast("bigint")
    own = users.select(
        "user_id",
        none.alias("post_id"),
        none.alias("author_id"),
        none.alias("created_s"),
        feature_list("user").alias("features"),
    )
    return (
        rows.unionByName(own)
        .repartition(config.num_partitions, "user_id")
        .sortWithinPartitions("user_id", F.col("post_id").asc_nulls_first())
        .mapInArrow(partial(score_users, config), SCHEMA)
        .withColumn("model_version", F.lit(config.model.version))
    )


def by_simple_score(candidates: DataFrame) -> DataFrame:
    """``candidates`` as scored rows without ``ds``: the value is the simple score, the heads are null."""
    return candidates.select(
        "user_id",
        "post_id",
        "author_id",
        *(F.lit(None).cast("float").alias(name) for name in SCORE_COLUMNS),
        F.col("simple_score").alias("value_score"),
        F.lit(SIMPLE_SCORE).alias("model_version"),
    )


def feature_list(entity: Entity) -> Column:
    """The entity's numbers as one array, in registry order."""
    return dense_array((feature.name, feature) for feature in features_of(entity))


def read_config(night: Night, model: NightModel) -> Config:
    """Pin what the workers read: the model and the current versions of the post tables."""
    lake, served = night.lake, night.ds + timedelta(days=1)
    return Config(
        model=model,
        posts=PostSource(
            str(lake.place_of("gold.post_embeddings")),
            lake.version("gold.post_embeddings"),
            str(lake.place_of("gold.post_features")),
            lake.version("gold.post_features"),
            night.ds.isoformat(),
        ),
        weights=night.settings.value,
        as_of_s=int(night.as_of.timestamp()),
        day=day_context(served),
        num_partitions=num_shuffles(night.spark),
    )


def main(night: Night) -> None:
    """Build the night's partition."""
    candidates, affinity, users = (
        night.read(f"gold.{name}").where(F.col("ds") == F.lit(night.ds))
        for name in ("feed_candidates", "affinity_features", "user_features")
    )
    scorer = scorer_of(night)
    print(f"gold.scored_candidates: scored by {scorer.version}: {scorer.reason}")
    if scorer.model is not None:
        scored = transform(candidates, affinity, users, read_config(night, scorer.model))
    else:
        scored = by_simple_score(candidates)
    write_partition(night.lake, "gold.scored_candidates", scored.withColumn("ds", F.lit(night.ds)), [night.ds])
