"""Held-out examples as arrays, user by user, scored by a model or by the simple score."""

from collections.abc import Mapping

import numpy as np
import pyarrow as pa
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from analysis.promotion import ScoredRows
from contracts.heads import HEADS, LABEL_COLUMNS
from contracts.settings import Settings
from spark_jobs.rules import heldout_scores
from spark_jobs.rules.counters import POSITIVE_COUNTS
from spark_jobs.rules.heldout_scores import Config
from spark_jobs.rules.rates import count_of_log
from spark_jobs.rules.simple_score import simple_score, weighted_engagement

_READ = ("user_id", "post_id", "weight", *LABEL_COLUMNS, "value_score")
_TIES = ("is_friend", "is_follower", "log_interactions")


def by_model(examples: DataFrame, config: Config) -> ScoredRows:
    """The examples, scored by a model."""
    columns = {head.name: head.score_column for head in HEADS}
    scored = heldout_scores.transform(examples, config).select(*_READ, *columns.values())
    return _rows(scored.toArrow(), columns)


def by_simple_score(examples: DataFrame, settings: Settings) -> ScoredRows:
    """The examples, scored by the simple score as of the moment each was shown; it predicts no head.

    Bookmarks and views of the post count as 0, because examples do not have them.
    """
    age_h = (F.unix_timestamp("shown_at") - F.unix_timestamp("post_created_at")) / 3600.0
    counts = {name: count_of_log(f"post_log_{name}") for name in POSITIVE_COUNTS}
    engagement = weighted_engagement(settings.simple_score, counts)
    ties = (F.col(f"pair_{name}").alias(name) for name in _TIES)
    rows = examples.select("*", age_h.alias("_age_h"), engagement.alias("_engagement"), *ties)
    score = simple_score(F.col("_age_h"), F.col("_engagement"), settings)
    return _rows(rows.withColumn("value_score", score).select(*_READ).toArrow(), {})


def _rows(table: pa.Table, columns: Mapping[str, str]) -> ScoredRows:
    order = np.argsort(table["user_id"].to_numpy(), kind="stable")
    ids = {name: table[name].to_numpy()[order] for name in ("user_id", "post_id")}
    floats = {name: table[name].to_numpy()[order].astype(np.float64) for name in (*_READ[2:], *columns.values())}
    return ScoredRows(
        users=ids["user_id"],
        posts=ids["post_id"],
        value=floats["value_score"],
        weight=floats["weight"],
        labels={name: floats[name] for name in LABEL_COLUMNS},
        predictions={head: floats[name] for head, name in columns.items()},
    )
