"""A small lake, ready to be scored and evaluated: features, candidates, examples, a model with random weights."""

from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import torch
from pyspark.sql import functions as F

from contracts.features import Entity, example_columns, features_of, schema_hash
from contracts.heads import HEAD_NAMES, HEADS, LABEL_COLUMNS
from models.calibration import METHODS, HeadCalibration
from models.checkpoint import CheckpointConfig, write_checkpoint
from models.networks import network_of
from models.presets.tiny import tiny
from spark_jobs.night.night import Night
from spark_jobs.night.writers import conform, write_partition
from tests.feature_values import by_name, random_columns

ENTITIES: tuple[Entity, ...] = ("user", "post", "pair", "context")
Columns = Mapping[str, Any]


def register_model(
    night: Night, examples_version: int = 0, role: str = "heavy", seed: int = 3, code_revision: str = "test"
) -> str:
    """Write a checkpoint with random weights, its row of gold.models, and its promotion; returns the model version."""
    version = write_random_model(night, seed, code_revision)
    write_models(night, {role: version}, examples_version)
    promote(night, version, examples_version)
    return version


def register_models(night: Night, *, light_seed: int | None, seed: int = 3) -> None:
    """A heavy model, which serves, and a light one unless its seed is None; equal seeds give equal models."""
    versions = {"heavy": write_random_model(night, seed)}
    if light_seed is not None:
        versions["light"] = write_random_model(night, light_seed)
    write_models(night, versions)
    promote(night, versions["heavy"])


def write_random_model(night: Night, seed: int, code_revision: str = "test") -> str:
    """Write a checkpoint with random weights and return its version."""
    torch.manual_seed(seed)
    calibration = {head.name: HeadCalibration(METHODS[head.kind], 1.0, 0.0) for head in HEADS}
    preset = tiny()
    config = CheckpointConfig(
        preset=preset,
        features=example_columns(),
        feature_schema=schema_hash(),
        heads=HEAD_NAMES,
        calibration=calibration,
        judged_calibration=calibration,
        training_partitions=("2026-03-06",),
        seed=seed,
        code_revision=code_revision,
    )
    network = network_of(preset.network)(preset.sizes)
    return write_checkpoint(Path(night.lake.root) / "models", network, config)


def write_models(night: Night, versions: Mapping[str, str], examples_version: int = 0) -> None:
    """Replace the night's rows of gold.models: a version for each role."""
    num_rows, models = len(versions), list(versions.values())
    columns = {
        "model_version": models,
        "preset": ["tiny"] * num_rows,
        "stage": ["candidate"] * num_rows,
        "feature_schema": [schema_hash()] * num_rows,
        "features": [list(example_columns())] * num_rows,
        "examples_version": [examples_version] * num_rows,
        "training_partitions": [["2026-03-06"]] * num_rows,
        "num_examples": [1] * num_rows,
        "metrics": ["{}"] * num_rows,
        "code_revision": ["test"] * num_rows,
        "path": [f"models/{version}" for version in models],
        "role": list(versions),
        "reason": pa.nulls(num_rows, pa.string()),
    }
    write(night, "gold.models", columns)


def promote(night: Night, version: str, examples_version: int = 0) -> None:
    """Write the night's row of gold.promotions: the model serves."""
    none = pa.nulls(1, pa.string())
    row = {
        "role": ["heavy"],
        "verdict": ["promoted"],
        "model_version": [version],
        "path": [f"models/{version}"],
        "challenger": [version],
        "champion": none,
        "baseline": ["simple-score"],
        "why_not_champion": none,
        "reason": ["a test"],
        "examples_version": [examples_version],
        "heldout_days": pa.array([[]], pa.list_(pa.string())),
        "num_users": [0],
        "num_examples": [0],
        "metrics": ["{}"],
    }
    write(night, "gold.promotions", row)


def write(night: Night, name: str, columns: Columns, ds: date | None = None) -> None:
    """Replace one partition of a table."""
    day = ds or night.ds
    frame = night.spark.createDataFrame(pa.table(dict(columns))).withColumn("ds", F.lit(day))
    write_partition(night.lake, name, conform(night.lake, name, frame), [day])


def random_features(generator: np.random.Generator, entity: Entity, rows: int) -> dict[str, Any]:
    return dict(random_columns(generator, by_name(features_of(entity)), rows))


def write_features(night: Night, num_users: int, num_posts: int, seed: int = 7) -> None:
    """The last user has no features; post i is by author i % 20; even users have affinities with all authors."""
    generator = np.random.default_rng(seed)
    users = np.arange(num_users - 1)
    views = pa.list_(pa.struct([("city", pa.string()), ("views", pa.int64())]))
    carried = {"country": pa.nulls(len(users), pa.string()), "city_views": pa.nulls(len(users), views)}
    write(night, "gold.user_features", {"user_id": users, **random_features(generator, "user", len(users)), **carried})
    posts = np.arange(num_posts)
    features = random_features(generator, "post", num_posts)
    counted = dict.fromkeys(("num_bookmarks", "num_opens"), np.zeros(num_posts, dtype=np.int64))
    write(night, "gold.post_features", {"post_id": posts, "author_id": posts % 20, **features, **counted})
    viewer, author = (values.ravel() for values in np.meshgrid(np.arange(0, num_users, 2), np.arange(20)))
    pairs = random_features(generator, "pair", len(viewer))
    write(night, "gold.affinity_features", {"user_id": viewer, "author_id": author, **pairs})


def write_candidates(night: Night, num_users: int, num_posts: int, share: float = 0.7, seed: int = 8) -> int:
    """Each user gets each post with probability ``share``; post i is i + 1 times ten minutes old. Returns the rows."""
    user, post = np.nonzero(np.random.default_rng(seed).random((num_users, num_posts)) < share)
    as_of_us = int(night.as_of.timestamp()) * 1_000_000
    columns = {
        "user_id": user,
        "post_id": post,
        "author_id": post % 20,
        "source_type": ["friend"] * len(user),
        "source_id": post % 20,
        "sources": [["friend"]] * len(user),
        "created_at": pa.array(as_of_us - (post + 1) * 600_000_000, pa.timestamp("us", tz="UTC")),
        "simple_score": np.zeros(len(user), dtype=np.float32),
    }
    write(night, "gold.feed_candidates", columns)
    return len(user)


def write_examples(night: Night, ds: date, given: Columns, seed: int = 9) -> None:
    """Examples of one day: ``given`` has user_id, post_id and any column that matters; the rest is filled in."""
    num_rows = len(given["post_id"])
    generator = np.random.default_rng(seed + ds.toordinal())
    noon = datetime(ds.year, ds.month, ds.day, 12, tzinfo=UTC)
    posts = np.asarray(given["post_id"])
    columns: dict[str, Any] = {
        "example_id": [f"{ds}-{index:05d}" for index in range(num_rows)],
        "author_id": posts % 20,
        "shown_at": pa.array([noon] * num_rows, pa.timestamp("us", tz="UTC")),
        "post_created_at": pa.array([noon - timedelta(hours=int(p)) for p in posts], pa.timestamp("us", tz="UTC")),
        "position": pa.array([1] * num_rows, pa.int32()),
        "exposure": ["logged"] * num_rows,
        "propensity": np.ones(num_rows),
        "weight": np.ones(num_rows, dtype=np.float32),
        "num_prior_likes": np.zeros(num_rows, dtype=np.int64),
        **{label: np.zeros(num_rows, dtype=np.float32) for label in LABEL_COLUMNS},
    }
    for entity in ENTITIES:
        features = random_features(generator, entity, num_rows)
        columns |= {f"{entity}_{name}": values for name, values in features.items()}
    write(night, "gold.training_examples", columns | dict(given), ds)
