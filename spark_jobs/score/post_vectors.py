"""The night's posts as workers know them: what each model computes once per post, and what lowers their value."""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from pyspark import Broadcast

from spark_jobs.rules.user_batches import float_matrix

Floats = NDArray[np.float32]
Ints = NDArray[np.int64]


@dataclass(frozen=True)
class PostSource:
    """Where workers read the night's post vectors: pinned Delta versions of two tables, one ``ds``."""

    embeddings: str
    embeddings_version: int
    features: str
    features_version: int
    ds: str
    has_light: bool = False


@dataclass(frozen=True)
class Vectors:
    """``embedding`` (N, d) and ``projection`` (N, h) of posts under one model."""

    embedding: Floats
    projection: Floats

    def of(self, rows: Ints) -> tuple[Floats, Floats]:
        """Those of some posts."""
        return self.embedding[rows], self.projection[rows]


@dataclass(frozen=True)
class PostVectors:
    """The night's posts by id: ``ids`` (N,) ascending, vectors of the model that scores and of the light one, if any.

    ``author_negative_rate`` and ``safety`` are (N,).
    """

    ids: Ints
    heavy: Vectors
    author_negative_rate: Floats
    safety: Floats
    light: Vectors | None = None

    def rows_of(self, post_ids: Ints) -> Ints:
        """Row of each post; raises ``ValueError`` naming a post that has no vector."""
        rows = np.minimum(np.searchsorted(self.ids, post_ids), max(len(self.ids) - 1, 0))
        missing = post_ids[self.ids[rows] != post_ids] if len(self.ids) else post_ids
        if len(missing):
            raise ValueError(f"gold.post_embeddings lacks {len(missing)} candidate posts, for example {missing[0]}")
        return rows


@lru_cache(maxsize=1)
def load_posts(source: PostSource) -> PostVectors:
    """Read the night's posts once per worker: N * (d + h) * 4 bytes, instead of shuffling that much per pair."""
    names = ["embedding", "projection"]
    light_names = [f"light_{name}" for name in names] if source.has_light else []
    columns = ["post_id", "safety", *names, *light_names]
    vectors = _read(source.embeddings, source.embeddings_version, source.ds, columns)
    rates = _read(source.features, source.features_version, source.ds, ["post_id", "author_negative_rate"])
    ids, rate_ids = vectors["post_id"].to_numpy(), rates["post_id"].to_numpy()
    order, rate_order = np.argsort(ids), np.argsort(rate_ids)
    if not np.array_equal(ids[order], rate_ids[rate_order]):
        raise ValueError(f"gold.post_embeddings and gold.post_features hold different posts for ds = {source.ds}")

    def vectors_of(columns: list[str]) -> Vectors:
        return Vectors(*(float_matrix(vectors[name].combine_chunks())[order] for name in columns))

    return PostVectors(
        ids=ids[order],
        heavy=vectors_of(names),
        author_negative_rate=rates["author_negative_rate"].to_numpy()[rate_order],
        safety=vectors["safety"].fill_null(1.0).to_numpy()[order],
        light=vectors_of(light_names) if light_names else None,
    )


def vectors_of(source: PostSource | Broadcast[PostVectors]) -> PostVectors:
    """The posts to score: the night's, or those that the driver has sent."""
    return load_posts(source) if isinstance(source, PostSource) else source.value


def _read(path: str, version: int, ds: str, columns: list[str]) -> pa.Table:
    from storage.delta import open_table  # noqa: PLC0415 - the driver never needs it

    table = open_table(path, version)
    return table.to_pyarrow_table(partitions=[("ds", "=", ds)], columns=columns)
