"""Held-out examples, scored by a model with features as of the moment each was shown.

Grain: one example. The scores do not depend on how a worker's rows are split into batches.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from functools import partial
from typing import Any

import numpy as np
import pyarrow as pa
from pyspark.errors import AnalysisException
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from analysis.groups import group_starts
from contracts.features import Entity, features_of, place_of
from contracts.heads import LABEL_COLUMNS, SCORE_COLUMNS
from contracts.landing import CONTENT_TYPES
from contracts.settings import Dataset, ValueWeights
from contracts.value import value_score
from spark_jobs.night.feature_columns import dense_array
from spark_jobs.night.night import Night
from spark_jobs.night.session import num_shuffles
from spark_jobs.rules.night_model import NightModel, load_ranker
from spark_jobs.rules.user_batches import float_matrix, whole_users

ENTITIES: tuple[Entity, ...] = ("user", "post", "pair", "context")
TIES = ("is_friend", "is_follower")
"""Features of a pair: the viewer is a friend of the author, or follows a page of the author."""
KEPT = ("user_id", "post_id", "position", "created_s", "num_prior_likes", "content_type", "weight", *LABEL_COLUMNS)
IDS = "user_id BIGINT, post_id BIGINT, position INT, created_s BIGINT, num_prior_likes BIGINT, content_type STRING, "
SCHEMA = IDS + ", ".join(f"{name} FLOAT" for name in ("weight", *LABEL_COLUMNS, *SCORE_COLUMNS, "value_score"))
SCHEMA += ", is_tied INT"
_TIES = [place_of("pair", name) for name in TIES]
_AUTHOR_NEGATIVE_RATE = place_of("post", "author_negative_rate")
_HASH_RANGE = 1_000_000


def heldout_days(examples: DataFrame, ds: date, dataset: Dataset) -> list[date]:
    """The last ``holdout_days`` with examples in [ds - training_days, ds - 1], as training holds them out."""
    first, last = ds - timedelta(days=dataset.training_days), ds - timedelta(days=1)
    rows = examples.where(F.col("ds").between(first, last)).select("ds").distinct().collect()
    days = sorted(row.ds for row in rows)
    return days[max(len(days) - dataset.holdout_days, 0) :]


def read_examples(night: Night, model: NightModel) -> DataFrame:
    """The examples in the version that the night trained on, or the current one if an erasure has removed it."""
    try:
        return night.lake.read("gold.training_examples", model.examples_version)
    except AnalysisException:
        return night.read("gold.training_examples")


def sample_users(rows: DataFrame, num_users: int, max_users: int) -> DataFrame:
    """The rows of about ``max_users`` of the ``num_users`` users, chosen by hash; all rows if there are fewer."""
    if num_users <= max_users:
        return rows
    limit = int(_HASH_RANGE * max_users / num_users)
    return rows.where(F.pmod(F.xxhash64("user_id"), F.lit(_HASH_RANGE)) < limit)


@dataclass(frozen=True)
class Config:
    """The model, the weights of the value score, and how many partitions share the work."""

    model: NightModel
    weights: ValueWeights
    num_partitions: int

    @classmethod
    def of(cls, night: Night, model: NightModel) -> "Config":
        """The config of a model with the night's value weights."""
        return cls(model, night.settings.value, num_shuffles(night.spark))


def transform(examples: DataFrame, config: Config) -> DataFrame:
    """Score ``examples`` (rows of ``gold.training_examples``); a user's rows stay together, in order of time."""
    content_type = F.coalesce(*(F.when(F.col(f"post_is_{kind}") > 0, F.lit(kind)) for kind in CONTENT_TYPES))
    vectors = [
        dense_array((feature.example_column, feature) for feature in features_of(entity)).alias(entity)
        for entity in ENTITIES
    ]
    rows = examples.select(
        "example_id",
        "user_id",
        "post_id",
        "position",
        F.unix_timestamp("post_created_at").alias("created_s"),
        F.unix_timestamp("shown_at").alias("shown_s"),
        "num_prior_likes",
        F.coalesce(content_type, F.lit("unknown")).alias("content_type"),
        "weight",
        *LABEL_COLUMNS,
        *vectors,
    )
    return (
        rows.repartition(config.num_partitions, "user_id")
        .sortWithinPartitions("user_id", "shown_s", "example_id")
        .mapInArrow(partial(score_examples, config), SCHEMA)
    )


def score_examples(config: Config, batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    """Score one partition, one call per user and state of the user's features."""
    ranker = load_ranker(config.model.folder, is_judged=True)
    for batch in whole_users(batches):
        user, post, pair, context = (float_matrix(batch.column(entity)) for entity in ENTITIES)
        cross = np.hstack([pair, context])
        starts = group_starts(batch.column("user_id").to_numpy(), *user.T)
        ends = [*starts[1:], len(user)]
        users, user_shares = ranker.user_vectors(user[starts])
        posts, post_shares = ranker.post_vectors(post)
        parts = [
            ranker.score(users[index], user_shares[index], posts[start:end], post_shares[start:end], cross[start:end])
            for index, (start, end) in enumerate(zip(starts, ends, strict=True))
        ]
        scores = {name: np.concatenate([part[name] for part in parts]) for name in SCORE_COLUMNS}
        age_h = (batch.column("shown_s").to_numpy() - batch.column("created_s").to_numpy()) / 3600.0
        rate = post[:, _AUTHOR_NEGATIVE_RATE]
        scores["value_score"] = value_score(scores, age_h=age_h, author_negative_rate=rate, weights=config.weights)
        columns: dict[str, Any] = {name: batch.column(name) for name in KEPT}
        columns |= {name: pa.array(values, pa.float32()) for name, values in scores.items()}
        yield pa.record_batch(columns | {"is_tied": (pair[:, _TIES] > 0).any(axis=1).astype(np.int32)})
