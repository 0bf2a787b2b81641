"""``gold.scored_candidates``: the candidates of every user, scored per head and by value.

Grain: one user and one post as of the end of ``ds``. Candidates are joined to their affinity and grouped by user;
workers read the post vectors, which are never shuffled. If the night has a light model, the candidates are those that
it leaves to the heavy one (``cascade.py``), else all. In a night without a model, the value is the simple score of the
candidate stage, and the heads are null.
"""

from datetime import timedelta
from functools import partial

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from contracts.heads import SCORE_COLUMNS
from spark_jobs.night.night import Night
from spark_jobs.night.session import num_shuffles
from spark_jobs.night.writers import write_partition
from spark_jobs.rules.context_columns import day_context
from spark_jobs.rules.night_model import SIMPLE_SCORE, NightModel, scorer_of
from spark_jobs.score.candidate_scorer import SCHEMA, Config, score_users
from spark_jobs.score.cascade import with_light
from spark_jobs.score.pair_stream import Inputs
from spark_jobs.score.post_vectors import PostSource

TABLE = "gold.scored_candidates"


def transform(inputs: Inputs, config: Config) -> DataFrame:
    """Score candidates of one ``ds``.

    A user without features gets the registry's defaults. The result does not depend on partitioning or batch size: each
    user is scored alone, candidates in order of ``post_id``.
    """
    scored = inputs.stream(config.num_partitions).mapInArrow(partial(score_users, config), SCHEMA)
    return scored.withColumn("model_version", F.lit(config.model.version))


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
    print(f"{TABLE}: scored by {scorer.version}: {scorer.reason}")
    note = None
    if scorer.model is not None:
        inputs = Inputs(candidates, affinity, users)
        config, note = with_light(night, inputs, read_config(night, scorer.model))
        scored = transform(inputs, config)
    else:
        scored = by_simple_score(candidates)
    write_partition(night.lake, TABLE, scored.withColumn("ds", F.lit(night.ds)), [night.ds])
    night.add_notes(TABLE, [note] if note else [])
