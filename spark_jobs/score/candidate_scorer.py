"""The Python worker of the score stage: it scores one user's candidates per call, independent of batches.

The input stream is sorted by user. The user's own row (``post_id`` null, ``features`` the user features) comes first,
then the candidates by post (``features`` the pair features). So a user's vector is sent once, not once per candidate.
"""

import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from analysis.groups import group_starts
from contracts.features import defaults_of, features_of, place_of
from contracts.heads import SCORE_COLUMNS
from contracts.settings import ValueWeights
from contracts.value import value_score
from spark_jobs.rules.night_model import NightModel, load_ranker
from spark_jobs.rules.user_batches import float_matrix, whole_users

Floats = NDArray[np.float32]

SCORES = (*SCORE_COLUMNS, "value_score")
SCHEMA = ", ".join(["user_id BIGINT, post_id BIGINT, author_id BIGINT", *(f"{name} FLOAT" for name in SCORES)])
_USER_DEFAULTS = np.array(defaults_of("user"), dtype=np.float32)
_CONTEXT_DEFAULTS = np.array(defaults_of("context"), dtype=np.float32)
_EXPECTED = [
    (place_of("context", feature.name), place_of("user", feature.expected))
    for feature in features_of("context")
    if feature.expected
]
"""Indices of context features, each with that of the user feature that replaces it."""


@dataclass(frozen=True)
class PostSource:
    """Where workers read the night's post vectors: pinned Delta versions of two tables, one ``ds``."""

    embeddings: str
    embeddings_version: int
    features: str
    features_version: int
    ds: str


@dataclass(frozen=True)
class Config:
    """What scoring needs besides rows. ``as_of_s`` is Unix seconds; ``day`` is the context of the day that is served.

    ``num_partitions`` is explicit, because Spark would merge partitions by bytes, and scoring costs far more per byte.
    """

    model: NightModel
    posts: PostSource
    weights: ValueWeights
    as_of_s: int
    day: dict[str, float]
    num_partitions: int


@dataclass(frozen=True)
class PostVectors:
    """The night's posts by id: ``ids`` (N,) ascending, ``embedding`` (N, d), ``projection`` (N, h), rates, safeties."""

    ids: NDArray[np.int64]
    embedding: Floats
    projection: Floats
    author_negative_rate: Floats
    safety: Floats

    def rows_of(self, post_ids: NDArray[np.int64]) -> NDArray[np.int64]:
        """Row of each post; raises ``ValueError`` naming a post that has no vector."""
        rows = np.minimum(np.searchsorted(self.ids, post_ids), max(len(self.ids) - 1, 0))
        missing = post_ids[self.ids[rows] != post_ids] if len(self.ids) else post_ids
        if len(missing):
            raise ValueError(f"gold.post_embeddings lacks {len(missing)} candidate posts, for example {missing[0]}")
        return rows


@lru_cache(maxsize=1)
def load_posts(source: PostSource) -> PostVectors:
    """Read the night's posts once per worker: N * (d + h) * 4 bytes, instead of shuffling that much per pair."""
    vectors = _read(
        source.embeddings, source.embeddings_version, source.ds, ["post_id", "embedding", "projection", "safety"]
    )
    rates = _read(source.features, source.features_version, source.ds, ["post_id", "author_negative_rate"])
    ids, rate_ids = vectors["post_id"].to_numpy(), rates["post_id"].to_numpy()
    order, rate_order = np.argsort(ids), np.argsort(rate_ids)
    if not np.array_equal(ids[order], rate_ids[rate_order]):
        raise ValueError(f"gold.post_embeddings and gold.post_features hold different posts for ds = {source.ds}")
    return PostVectors(
        ids[order],
        float_matrix(vectors["embedding"].combine_chunks())[order],
        float_matrix(vectors["projection"].combine_chunks())[order],
        rates["author_negative_rate"].to_numpy()[rate_order],
        vectors["safety"].fill_null(1.0).to_numpy()[order],
    )


def _read(path: str, version: int, ds: str, columns: list[str]) -> pa.Table:
    from storage.delta import open_table  # noqa: PLC0415 - the driver never needs it

    table = open_table(path, version)
    return table.to_pyarrow_table(partitions=[("ds", "=", ds)], columns=columns)


def score_users(config: Config, batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    """Score one partition of the stream; logs how many pairs it held."""
    num_users = num_pairs = 0
    for batch in whole_users(batches):
        scored, users = score_batch(config, batch)
        num_users += users
        num_pairs += scored.num_rows
        yield scored
    if num_pairs:
        print(f"gold.scored_candidates: scored {num_pairs:,} pairs of {num_users:,} users", file=sys.stderr, flush=True)


def score_batch(config: Config, batch: pa.RecordBatch) -> tuple[pa.RecordBatch, int]:
    """Score whole users; returns the scored candidates and how many users had any."""
    ids = batch.column("post_id")
    is_pair = ids.is_valid().to_numpy(zero_copy_only=False)
    pairs = batch.filter(pa.array(is_pair))
    if pairs.num_rows == 0:
        return pa.RecordBatch.from_pylist([], schema=output_schema()), 0
    own = batch.filter(pa.array(~is_pair))
    features_of_user = dict(zip(own.column("user_id").to_pylist(), float_matrix(own.column("features")), strict=True))
    users, post_ids = pairs.column("user_id").to_numpy(), pairs.column("post_id").to_numpy()
    starts = group_starts(users)
    user_features = np.stack([features_of_user.get(user, _USER_DEFAULTS) for user in users[starts].tolist()])
    posts = load_posts(config.posts)
    rows = posts.rows_of(post_ids)
    scores = score_pairs(
        config,
        posts,
        rows=rows,
        starts=starts,
        user_features=user_features,
        pair_features=float_matrix(pairs.column("features")),
    )
    age_h = (config.as_of_s - pairs.column("created_s").to_numpy()) / 3600.0
    value = value_score(
        scores,
        age_h=age_h,
        author_negative_rate=posts.author_negative_rate[rows],
        weights=config.weights,
        safety=posts.safety[rows],
    )
    columns: dict[str, Any] = {name: pairs.column(name) for name in ("user_id", "post_id", "author_id")}
    columns |= {name: pa.array(values, pa.float32()) for name, values in scores.items()}
    columns["value_score"] = pa.array(value)
    return pa.record_batch(columns, schema=output_schema()), len(starts)


def score_pairs(
    config: Config,
    posts: PostVectors,
    *,
    rows: NDArray[np.int64],
    starts: NDArray[np.int64],
    user_features: Floats,
    pair_features: Floats,
) -> dict[str, Floats]:
    """Score ``n`` pairs of ``g`` users, ``(n,)`` per head; one call holds exactly one user's candidates.

    ``rows`` (n,) index ``posts``, ``starts`` (g,) the first pair of each user, ``user_features`` is (g, F),
    ``pair_features`` (n, P). Context is what a session of the user is expected to look like tomorrow.
    """
    ranker = load_ranker(config.model.folder)
    embeddings, projections = ranker.user_vectors(user_features)
    ends = [*starts[1:], len(rows)]
    context = np.repeat(expected_context(user_features, config.day), np.diff(starts, append=len(rows)), axis=0)
    cross = np.hstack([pair_features, context])
    parts = []
    for index, (start, end) in enumerate(zip(starts, ends, strict=True)):
        own = rows[start:end]
        vectors = posts.embedding[own], posts.projection[own]
        parts.append(ranker.score(embeddings[index], projections[index], *vectors, cross[start:end]))
    return {name: np.concatenate([part[name] for part in parts]) for name in SCORE_COLUMNS}


def expected_context(user_features: Floats, day: dict[str, float]) -> Floats:
    """Context (g, C) of the session that each user is expected to open on a day: their own habits, and the day."""
    context = np.tile(_CONTEXT_DEFAULTS, (len(user_features), 1))
    for at, habit in _EXPECTED:
        context[:, at] = user_features[:, habit]
    for name, value in day.items():
        context[:, place_of("context", name)] = value
    return context


def output_schema() -> pa.Schema:
    """Arrow schema of a scored batch, equal to ``SCHEMA``."""
    ids = [(name, pa.int64()) for name in ("user_id", "post_id", "author_id")]
    return pa.schema([*ids, *((name, pa.float32()) for name in SCORES)])
