"""Ranking metrics per user on the held-out days, for the model's order and the baselines'.

Grain: one user and one slice of the user's examples: all of them, or those of one content type.
Relevance is graded (``analysis/metrics/relevance.py``) and as logged; ties are broken by post.
"""

from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from pyspark.sql import DataFrame

from analysis.groups import group_starts
from analysis.metrics.grouped_auc import auc_by_group
from analysis.metrics.ranking import rank_lists
from analysis.metrics.relevance import METRICS, grades_of
from contracts.heads import BINARY_HEADS, HEADS
from contracts.landing import CONTENT_TYPES
from spark_jobs.rules.user_batches import whole_users

ORDERS = {"ranker": "value_score", "chronological": "created_s", "popularity": "num_prior_likes"}
"""The column that each order sorts by, highest first."""

ALL = "all"

METRIC_COLUMNS = tuple(f"{order}:{metric}" for order in ORDERS for metric in METRICS)
AUC_COLUMNS = tuple(f"auc:{head}" for head in BINARY_HEADS)
SCHEMA = "user_id BIGINT, slice STRING, num_examples BIGINT, num_positives BIGINT, " + ", ".join(
    f"`{name}` DOUBLE" for name in (*METRIC_COLUMNS, *AUC_COLUMNS)
)


def transform(scored: DataFrame) -> DataFrame:
    """Metrics per user and slice; ``scored`` holds each user's rows in one partition, one after another.

    ``auc:<head>`` is null where the user has one class only, and outside the slice of all examples.
    """
    return scored.mapInArrow(measure, SCHEMA)


def measure(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    """Measure one partition, all users of a batch at once."""
    for batch in whole_users(batches):
        columns = {name: batch.column(name).to_numpy(zero_copy_only=False) for name in batch.schema.names}
        yield _measure_slice(columns, ALL)
        for kind in CONTENT_TYPES:
            is_kind = columns["content_type"] == kind
            if np.any(is_kind):
                yield _measure_slice({name: values[is_kind] for name, values in columns.items()}, kind)


def _measure_slice(columns: dict[str, NDArray[Any]], name: str) -> pa.RecordBatch:
    users, posts = columns["user_id"], columns["post_id"]
    grades = grades_of(columns)
    lists = {order: rank_lists(users, columns[column], posts, grades) for order, column in ORDERS.items()}
    rows: dict[str, Any] = {
        "user_id": np.sort(users)[group_starts(np.sort(users))],
        "slice": [name] * len(lists["ranker"].starts),
        "num_examples": lists["ranker"].sizes,
        "num_positives": lists["ranker"].num_relevant.astype(np.int64),
    }
    for order in ORDERS:
        rows |= {f"{order}:{metric}": measured(lists[order]) for metric, measured in METRICS.items()}
    for head in HEADS:
        if not head.is_binary:
            continue
        values = auc_by_group(users, columns[head.score_column], columns[head.label_column])
        is_null = np.isnan(values) if name == ALL else np.ones(len(values), dtype=bool)
        rows[f"auc:{head.name}"] = pa.array(values, mask=is_null)
    return pa.record_batch(rows)
