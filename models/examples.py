"""Training examples in memory: files of Parquet, through a reader, into shards of tensors."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from contracts.features import Entity, Feature, features_of
from contracts.heads import LABEL_COLUMNS
from contracts.places import Place
from models.readers import Part, Reader, read_by_petastorm

TABLE = "gold.training_examples"
ENTITIES: tuple[Entity, ...] = ("user", "post", "pair", "context")
FEATURES: tuple[Feature, ...] = tuple(feature for entity in ENTITIES for feature in features_of(entity))
FEATURE_COLUMNS: tuple[str, ...] = tuple(feature.example_column for feature in FEATURES)
NUM_INPUTS = sum(feature.size for feature in FEATURES)
COLUMNS: tuple[str, ...] = (*FEATURE_COLUMNS, *LABEL_COLUMNS, "weight")
"""Columns of an example that training reads, beside its id."""
SHARD_ROWS = 500_000
"""0.6 GB for each copy."""


class TooFewExamples(ValueError):  # noqa: N818 - a verdict on the data, shown to people
    """The lake has too few examples to train on; this is no error and does not stop a night."""


@dataclass(frozen=True)
class Shard:
    """Rows as tensors: inputs (N, F) in the order of FEATURE_COLUMNS, labels (N, H), weight (N,); float32."""

    features: Tensor
    labels: Tensor
    weight: Tensor

    @property
    def num_rows(self) -> int:
        """Number of rows N."""
        return len(self.weight)

    def on(self, device: torch.device) -> "Shard":
        """The same rows on a device; no copy if they are there."""
        return Shard(self.features.to(device), self.labels.to(device), self.weight.to(device))


class Examples:
    """The examples of some days as shards of at most ``shard_rows`` rows; kept in memory when one shard holds all.

    Rows of a shard are ordered by example id, so that training does not depend on how the table's writer spread
    them over files and tasks.
    """

    def __init__(
        self,
        files: Sequence[Place],
        shard_rows: int = SHARD_ROWS,
        part: Part = (0, 1),
        read: Reader = read_by_petastorm,
    ) -> None:
        self._files = files
        self._shard_rows = shard_rows
        self._part = part
        self._read_groups = read
        self._kept: Shard | None = None

    def __iter__(self) -> Iterator[Shard]:
        """Each pass yields the same shards in the same order."""
        if self._kept is not None:
            yield self._kept
            return
        previous: Shard | None = None
        for num_shards, shard in enumerate(self._read()):
            previous = shard if num_shards == 0 else None
            yield shard
        self._kept = previous

    def _read(self) -> Iterator[Shard]:
        pending: list[tuple[Any, Any]] = []
        num_pending = 0
        for ids, values in self._read_groups(self._files, COLUMNS, self._part):
            start = 0
            while start < len(ids):
                taken = min(len(ids) - start, self._shard_rows - num_pending)
                pending.append((ids[start : start + taken], values[start : start + taken]))
                start, num_pending = start + taken, num_pending + taken
                if num_pending == self._shard_rows:
                    yield _stack(pending)
                    pending, num_pending = [], 0
        if pending:
            yield _stack(pending)


def _stack(batches: Sequence[tuple[Any, Any]]) -> Shard:
    order = np.argsort(np.concatenate([ids for ids, _ in batches]), kind="stable")
    values = np.concatenate([values for _, values in batches])[order]
    if not np.isfinite(values).all():
        inputs = [feature.example_column for feature in FEATURES for _ in range(feature.size)]
        names = (*inputs, *LABEL_COLUMNS, "weight")
        bad = dict.fromkeys(names[index] for index in np.flatnonzero(~np.isfinite(values).all(axis=0)))
        raise ValueError(f"{TABLE} holds NaN or infinite values in {', '.join(bad)}")
    features, labels, weight = np.split(values, [NUM_INPUTS, -1], axis=1)
    return Shard(*(torch.from_numpy(np.ascontiguousarray(part)) for part in (features, labels, weight[:, 0])))
