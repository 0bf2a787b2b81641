"""The Python worker of the score stage: it scores one user's candidates per call, independent of batches.

The input stream is sorted by user. The user's own row (``post_id`` null, ``features`` the user features) comes first,
then the candidates by post (``features`` the pair features). So a user's vector is sent once, not once per candidate.
"""

import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from pyspark import Broadcast

from analysis.groups import group_starts
from contracts.features import defaults_of, features_of, place_of
from contracts.heads import SCORE_COLUMNS
from contracts.settings import ValueWeights
from contracts.value import value_score
from spark_jobs.rules.night_model import NightModel, load_ranker
from spark_jobs.rules.user_batches import float_matrix, whole_users
from spark_jobs.score.post_vectors import Floats, Ints, PostSource, PostVectors, Vectors, vectors_of

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
class Light:
    """The light model, and how many candidates of a user it leaves to the heavy model."""

    model: NightModel
    most: int


@dataclass(frozen=True)
class Config:
    """What scoring needs besides rows. ``as_of_s`` is Unix seconds; ``day`` is the context of the day that is served.

    ``num_partitions`` is explicit, because Spark would merge partitions by bytes, and scoring costs far more per byte.
    Without ``light`` the model scores every candidate.
    """

    model: NightModel
    posts: PostSource | Broadcast[PostVectors]
    weights: ValueWeights
    as_of_s: int
    day: dict[str, float]
    num_partitions: int
    light: Light | None = None


@dataclass(frozen=True)
class Candidates:
    """``n`` candidates of ``g`` users, user by user.

    ``rows`` (n,) index the night's posts, ``starts`` (g,) are the first candidate of each user, ``user_features`` is
    (g, F), ``pair_features`` (n, P), ``age_h`` (n,). The light model cannot remove one that ``is_exempt`` (n,).
    """

    rows: Ints
    starts: Ints
    user_features: Floats
    pair_features: Floats
    age_h: NDArray[np.float64]
    is_exempt: NDArray[np.bool_]

    @property
    def counts(self) -> Ints:
        """Candidates of each user, (g,)."""
        return np.diff(self.starts, append=len(self.rows))

    @property
    def users(self) -> Ints:
        """Number of the user of each candidate, (n,)."""
        return np.repeat(np.arange(len(self.starts)), self.counts)

    def where(self, is_kept: NDArray[np.bool_]) -> "Candidates":
        """The candidates that are kept (n,), of the users who have any."""
        counts = np.bincount(self.users[is_kept], minlength=len(self.starts))
        has_any = counts > 0
        ends = np.cumsum(counts[has_any])
        return Candidates(
            self.rows[is_kept],
            ends - counts[has_any],
            self.user_features[has_any],
            self.pair_features[is_kept],
            self.age_h[is_kept],
            self.is_exempt[is_kept],
        )


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
    posts = vectors_of(config.posts)
    pairs, candidates = read_batch(config, batch, posts)
    if config.light is not None and pairs.num_rows:
        is_kept = left_by_light(config, posts, candidates)
        pairs, candidates = pairs.filter(pa.array(is_kept)), candidates.where(is_kept)
    if pairs.num_rows == 0:
        return pa.RecordBatch.from_pylist([], schema=output_schema()), 0
    scores = score(config, config.model, posts, posts.heavy, candidates)
    columns: dict[str, Any] = {name: pairs.column(name) for name in ("user_id", "post_id", "author_id")}
    columns |= {name: pa.array(values, pa.float32()) for name, values in scores.items()}
    return pa.record_batch(columns, schema=output_schema()), len(candidates.starts)


def read_batch(config: Config, batch: pa.RecordBatch, posts: PostVectors) -> tuple[pa.RecordBatch, Candidates]:
    """The candidates of whole users, as rows and as arrays."""
    is_pair = batch.column("post_id").is_valid().to_numpy(zero_copy_only=False)
    pairs, own = batch.filter(pa.array(is_pair)), batch.filter(pa.array(~is_pair))
    features_of_user = dict(zip(own.column("user_id").to_pylist(), float_matrix(own.column("features")), strict=True))
    users = pairs.column("user_id").to_numpy()
    starts = group_starts(users)
    features = [features_of_user.get(user, _USER_DEFAULTS) for user in users[starts].tolist()]
    return pairs, Candidates(
        rows=posts.rows_of(pairs.column("post_id").to_numpy()),
        starts=starts,
        user_features=np.stack(features) if features else np.empty((0, len(_USER_DEFAULTS)), dtype=np.float32),
        pair_features=float_matrix(pairs.column("features")),
        age_h=(config.as_of_s - pairs.column("created_s").to_numpy()) / 3600.0,
        is_exempt=pairs.column("is_exempt").to_numpy(zero_copy_only=False),
    )


def left_by_light(config: Config, posts: PostVectors, candidates: Candidates) -> NDArray[np.bool_]:
    """Whether the light model leaves each candidate (n,) to the heavy one.

    It leaves all of a user who has few, else the ``most`` of highest value and all that are exempt.
    """
    assert config.light is not None and posts.light is not None  # noqa: PT018 - for types
    is_left = np.repeat(candidates.counts <= config.light.most, candidates.counts)
    is_judged = ~is_left
    if is_judged.any():
        judged = candidates.where(is_judged)
        value = score(config, config.light.model, posts, posts.light, judged)["value_score"]
        is_left[is_judged] = is_among_best(value, judged.users, config.light.most) | judged.is_exempt
    return is_left


def is_among_best(values: Floats, users: Ints, most: int) -> NDArray[np.bool_]:
    """Whether each value (n,) is among the ``most`` largest of its user; of equal ones the earlier is larger.

    The rows of a user must stand together.
    """
    order = np.lexsort((-values, users))
    place = np.arange(len(users)) - np.searchsorted(users, users)
    is_best = np.empty(len(users), dtype=bool)
    is_best[order] = place < most
    return is_best


def count_recall(config: Config, num_best: int, batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    """Of the heavy model's ``num_best`` candidates of each user: how many there are, how many the light one leaves."""
    for batch in whole_users(batches):
        posts = vectors_of(config.posts)
        pairs, candidates = read_batch(config, batch, posts)
        if pairs.num_rows == 0:
            continue
        value = score(config, config.model, posts, posts.heavy, candidates)["value_score"]
        is_best = is_among_best(value, candidates.users, num_best)
        is_found = is_best & left_by_light(config, posts, candidates)
        counts = {"users": len(candidates.starts), "best": is_best.sum(), "found": is_found.sum()}
        yield pa.record_batch({name: pa.array([int(count)]) for name, count in counts.items()})


def score(
    config: Config, model: NightModel, posts: PostVectors, vectors: Vectors, candidates: Candidates
) -> dict[str, Floats]:
    """Scores of the candidates by a model, (n,) by name of ``SCORES``; ``vectors`` are the model's of ``posts``."""
    rows = candidates.rows
    scores = score_heads(config, model, vectors, candidates)
    value = value_score(
        scores,
        age_h=candidates.age_h,
        author_negative_rate=posts.author_negative_rate[rows],
        weights=config.weights,
        safety=posts.safety[rows],
    )
    return scores | {"value_score": value}


def score_heads(config: Config, model: NightModel, vectors: Vectors, candidates: Candidates) -> dict[str, Floats]:
    """Scores of the candidates, (n,) per head; one call holds exactly one user's candidates.

    Context is what a session of the user is expected to look like tomorrow.
    """
    ranker = load_ranker(model.folder)
    embeddings, projections = ranker.user_vectors(candidates.user_features)
    ends = [*candidates.starts[1:], len(candidates.rows)]
    context = expected_context(candidates.user_features, config.day)[candidates.users]
    cross = np.hstack([candidates.pair_features, context])
    parts = []
    for index, (start, end) in enumerate(zip(candidates.starts, ends, strict=True)):
        own = vectors.of(candidates.rows[start:end])
        parts.append(ranker.score(embeddings[index], projections[index], *own, cross[start:end]))
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
