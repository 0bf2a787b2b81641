"""Examples and checkpoints for the tests of the models: random features with a planted preference."""

from collections.abc import Sequence
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import torch
from deltalake import DeltaTable, QueryBuilder, write_deltalake

from contracts.features import FEATURES, example_columns, schema_hash
from contracts.heads import HEAD_NAMES, HEADS
from models.calibration import METHODS, HeadCalibration
from models.checkpoint import CheckpointConfig
from models.layers import Standardise
from models.network import NUM_CROSS, NUM_POST, NUM_USER, QUANTILES, InputStatistics, Network
from models.networks import network_of
from models.preset import Preset
from models.presets import preset_names, preset_of
from tests.feature_values import random_columns

DAYS = tuple(date(2026, 3, day) for day in range(4, 8))
NETWORK_PRESETS = tuple(name for name in preset_names() if isinstance(preset_of(name), Preset) and name != "full")
"""Presets that a core trains in seconds; ``full`` is ``deep_cross`` in other sizes."""


def make_columns(day: date, num_rows: int, seed: int = 0) -> dict[str, Any]:
    """Labels follow interest x topic in sports and the pair's like rate; comments are rarer, reports absent."""
    generator = np.random.default_rng(seed + day.toordinal())
    features = {feature.example_column: feature for feature in FEATURES}
    columns: dict[str, Any] = dict(random_columns(generator, features, num_rows))
    match = (columns["user_interest_sports"] - 0.5) * (columns["post_topic_sports"] - 0.5)
    logit = -1.0 + 10.0 * match + 3.0 * (columns["pair_like_rate"] - 0.5)
    labels = {
        head.label_column: (generator.random(num_rows) < 1 / (1 + np.exp(shift - logit))).astype(np.float32)
        for head, shift in zip(HEADS, (0, 1, 2, 2), strict=False)
    }
    labels["label_report"] = np.zeros(num_rows, dtype=np.float32)
    labels["label_dwell"] = np.log1p(np.exp(1 + logit / 3)).astype(np.float32)
    ids = [f"{day}-{index:06d}" for index in range(num_rows)]
    return {"example_id": ids, "weight": np.ones(num_rows, np.float32), **columns, **labels, "ds": [day] * num_rows}


def write_examples(
    lake_root: Path, days: Sequence[date] = DAYS, num_rows: int = 2000, without: str = "", num_files: int = 1
) -> None:
    """Write the examples table: one commit per day and file, rows of the files interleaved."""
    for day in days:
        table = pa.table({name: values for name, values in make_columns(day, num_rows).items() if name != without})
        for part in range(num_files):
            rows = table.take(list(range(part, num_rows, num_files)))
            path = str(lake_root / "gold" / "training_examples")
            write_deltalake(path, rows, mode="append", partition_by=["ds"])


def read_models(lake_root: Path) -> list[dict[str, Any]]:
    """All rows of ``gold.models``, by model version."""
    builder = QueryBuilder().register("models", DeltaTable(str(lake_root / "gold" / "models")))
    table = builder.execute("SELECT * FROM models ORDER BY model_version").read_all()
    columns = {name: table.column(name).to_pylist() for name in table.column_names}
    return [dict(zip(columns, values, strict=True)) for values in zip(*columns.values(), strict=True)]


def network_preset(name: str) -> Preset:
    """The preset of a network."""
    preset = preset_of(name)
    assert isinstance(preset, Preset)
    return preset


def untrained(preset: str) -> Network:
    """The network of a preset with its first random weights."""
    chosen = network_preset(preset)
    return network_of(chosen.network)(chosen.sizes)


def make_network(preset: str = "tiny", seed: int = 1) -> Network:
    """Random weights and input moments; dwell above zero, where it is cut off."""
    torch.manual_seed(seed)
    network = untrained(preset)
    num_inputs = NUM_USER + NUM_POST + NUM_CROSS
    base_rate = torch.tensor([float(not head.is_binary) for head in HEADS])
    quantiles = torch.linspace(-3, 3, QUANTILES).expand(num_inputs, -1)
    network.prepare(InputStatistics(torch.zeros(num_inputs), torch.ones(num_inputs), base_rate, quantiles))
    for module in network.modules():
        if isinstance(module, Standardise):
            module.mean.uniform_(-1, 1)
            module.std.uniform_(0.5, 2)
    return network.eval().requires_grad_(requires_grad=False)


def make_config(preset: str = "tiny", **changes: Any) -> CheckpointConfig:
    calibration = {
        head.name: HeadCalibration(METHODS[head.kind], 0.8 if head.is_binary else 1.3, -0.1 * index, 0.2, -0.5)
        for index, head in enumerate(HEADS)
    }
    values: dict[str, Any] = {
        "preset": preset_of(preset),
        "features": example_columns(),
        "feature_schema": schema_hash(),
        "heads": HEAD_NAMES,
        "calibration": calibration,
        "judged_calibration": {head.name: HeadCalibration(METHODS[head.kind], 0.5, 0.0) for head in HEADS},
        "training_partitions": ("2026-03-04",),
        "seed": 1,
        "code_revision": "test",
    }
    return CheckpointConfig(**(values | changes))
