"""The Python worker of the rerank stage: it fills the pools of many users per call, independent of batches."""

from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from spark_jobs.rerank.pools import Plan, fill_pools
from spark_jobs.rerank.slates import CELLS, Candidates
from spark_jobs.rules.user_batches import at_least, float_matrix, whole_users

KEPT = {
    "user_id": "BIGINT",
    "post_id": "BIGINT",
    "author_id": "BIGINT",
    "source_type": "STRING",
    "source_id": "BIGINT",
    "created_at": "TIMESTAMP",
    "value_score": "FLOAT",
}
"""Columns of a candidate that are kept in its place of the pool."""
PLACED = {"rank": "INT", "is_exploration": "BOOLEAN", "propensity": "DOUBLE", "broken": "TINYINT"}
SCHEMA = ", ".join(f"{name} {kind}" for name, kind in (KEPT | PLACED).items())
ASKED = (
    "source",
    "content_type",
    "topic",
    "age",
    "is_little_known",
    "num_engaged",
    "num_views",
    "is_new_user",
    "is_friend",
    "friends_first",
    "embedding",
)
"""Columns of a candidate that only the rules read."""


def fill_partition(plan: Plan, batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    """Pools of one partition of the candidates, sorted by user."""
    for batch in at_least(whole_users(batches), CELLS):
        yield fill_batch(plan, batch)


def fill_batch(plan: Plan, batch: pa.RecordBatch) -> pa.RecordBatch:
    """Pools of whole users, by user and rank, with the columns of ``SCHEMA``."""
    places = fill_pools(candidates_of(batch), plan)
    kept = batch.select(list(KEPT)).take(pa.array(places.row))
    new = {
        "rank": pa.array(places.rank.astype(np.int32)),
        "is_exploration": pa.array(places.is_exploration),
        "propensity": pa.array(places.propensity),
        "broken": pa.array(places.broken.astype(np.int8)),
    }
    return pa.RecordBatch.from_arrays([*kept.columns, *new.values()], names=[*KEPT, *new])


def candidates_of(batch: pa.RecordBatch) -> Candidates:
    """The columns of a batch as arrays."""

    def column(name: str) -> NDArray[Any]:
        values: NDArray[Any] = batch.column(name).to_numpy(zero_copy_only=False)
        return values

    author = batch.column("author_id")
    return Candidates(
        user=column("user_id"),
        post=column("post_id"),
        value=column("value_score"),
        author=author.fill_null(0).to_numpy(zero_copy_only=False),
        has_author=author.is_valid().to_numpy(zero_copy_only=False),
        source=column("source"),
        topic=column("topic"),
        content_type=column("content_type"),
        age=column("age"),
        is_little_known=column("is_little_known"),
        num_engaged=column("num_engaged"),
        num_views=column("num_views"),
        is_new_user=column("is_new_user"),
        is_friend=column("is_friend"),
        friends_first=column("friends_first"),
        embedding=float_matrix(batch.column("embedding")),
    )
