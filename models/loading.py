"""Training examples from one pinned snapshot of ``gold.training_examples``, through Petastorm, into tensors.

Only the files of the snapshot are read, never a glob: a table folder also holds files of older versions.
"""

import warnings
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import pyarrow as pa
import torch
from pyarrow.parquet import ParquetFile
from torch import Tensor

from contracts.features import Entity, Feature, features_of
from contracts.heads import LABEL_COLUMNS
from contracts.places import Location, Place, table_below
from contracts.settings import Dataset, TrainingMinimum
from storage.arrow import fetch
from storage.delta import is_table, open_table

TABLE = "gold.training_examples"
ENTITIES: tuple[Entity, ...] = ("user", "post", "pair", "context")
FEATURES: tuple[Feature, ...] = tuple(feature for entity in ENTITIES for feature in features_of(entity))
FEATURE_COLUMNS: tuple[str, ...] = tuple(feature.example_column for feature in FEATURES)
NUM_INPUTS = sum(feature.size for feature in FEATURES)
SHARD_ROWS = 500_000
"""0.6 GB for each copy."""


class TooFewExamples(ValueError):  # noqa: N818 - a verdict on the data, shown to people
    """The lake has too few examples to train on; this is no error and does not stop a night."""


@dataclass(frozen=True)
class Snapshot:
    """One version of the examples: its data files by day, each list in part order."""

    version: int
    files: dict[date, tuple[Place, ...]]

    def files_of(self, days: Sequence[date]) -> tuple[Place, ...]:
        """Files of the given days, oldest day first."""
        return tuple(file for day in sorted(days) for file in self.files.get(day, ()))


@dataclass(frozen=True)
class Split:
    """Which days train, which calibrate and stop early, and which are held out; each oldest first."""

    training: tuple[date, ...]
    calibration: tuple[date, ...]
    holdout: tuple[date, ...]


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


def pin_snapshot(lake: Location) -> Snapshot:
    """The latest version of the examples; a missing table or column raises ``ValueError`` naming it."""
    place = table_below(Place.parse(lake), TABLE)
    if not is_table(place):
        raise ValueError(f"{TABLE} does not exist under {lake}; run the examples stage first")
    table = open_table(place)
    columns = {field.name for field in table.schema().fields}
    required = ("example_id", *FEATURE_COLUMNS, *LABEL_COLUMNS, "weight")
    if missing := [column for column in required if column not in columns]:
        raise ValueError(f"{TABLE} version {table.version()} lacks the columns {', '.join(missing)}")
    # paths relative to the table: the URIs that deltalake returns are percent-encoded
    actions = pa.table(table.get_add_actions(flatten=True)).select(["path", "partition.ds"]).to_pylist()
    files: dict[date, list[Place]] = {}
    for action in actions:
        files.setdefault(action["partition.ds"], []).append(place.below(action["path"]))
    return Snapshot(table.version(), {day: tuple(sorted(files[day], key=str)) for day in sorted(files)})


def split_days(snapshot: Snapshot, ds: date, dataset: Dataset) -> Split:
    """Split the days with examples in [ds - training_days, ds - 1]; examples of ``ds`` have not matured yet.

    The last ``holdout_days`` are held out, the ``calibration_days`` before them calibrate, the others train.
    Raises ``TooFewExamples`` when too few days are left to train on.
    """
    first, last = ds - timedelta(days=dataset.training_days), ds - timedelta(days=1)
    days = [day for day in sorted(snapshot.files) if first <= day <= last]
    num_reserved = dataset.reserved_days
    if len(days) < num_reserved + TrainingMinimum.DAYS:
        listed = ", ".join(map(str, days)) or "none"
        raise TooFewExamples(
            f"{TABLE} version {snapshot.version} has examples of {len(days)} days ({listed}) in {first} to {last}; "
            f"training needs {num_reserved + TrainingMinimum.DAYS} "
            f"(calibration_days {dataset.calibration_days}, holdout_days {dataset.holdout_days})"
        )
    calibrate_from, hold_out_from = len(days) - num_reserved, len(days) - dataset.holdout_days
    return Split(tuple(days[:calibrate_from]), tuple(days[calibrate_from:hold_out_from]), tuple(days[hold_out_from:]))


class Examples:
    """The examples of some days as shards of at most ``shard_rows`` rows; kept in memory when one shard holds all.

    Rows of a shard are ordered by example id, so that training does not depend on how the table's writer spread
    them over files and tasks. ``part`` is which of how many parts of the rows these are: every so many row groups of
    the files, or rows where there are fewer row groups than parts.
    """

    def __init__(self, files: Sequence[Place], shard_rows: int = SHARD_ROWS, part: tuple[int, int] = (0, 1)) -> None:
        self._files = files
        self._shard_rows = shard_rows
        self._part = part
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
        for ids, values in _read_batches(self._files, self._part):
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


def _read_batches(files: Sequence[Place], part: tuple[int, int]) -> Iterator[tuple[Any, Any]]:
    """Example ids (N,) and values (N, inputs + labels + weight) of one row group of the part after the other.

    Petastorm reads a disk: of S3 through the Arrow of today it knows nothing, so each file is fetched first.
    """
    if not files or not files[0].is_s3:
        yield from _read_local(files, part)
        return
    with TemporaryDirectory(prefix="feedlake-examples-") as scratch:
        for file in files:
            fetched = Place("file", f"{scratch}/examples.parquet")
            fetch(file, fetched)
            yield from _read_local([fetched], part)


def _read_local(files: Sequence[Place], part: tuple[int, int]) -> Iterator[tuple[Any, Any]]:
    from petastorm import make_batch_reader  # noqa: PLC0415 - the rest of this module also runs without Petastorm

    if not files:
        return
    columns = (*FEATURE_COLUMNS, *LABEL_COLUMNS, "weight")
    number, num_parts = part
    has_groups_for_all = num_parts > 1 and sum(ParquetFile(file.local).num_row_groups for file in files) >= num_parts
    rows = slice(None) if has_groups_for_all else slice(number, None, num_parts)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # Petastorm uses the part of pyarrow that later versions removed
        reader = make_batch_reader(
            [file.for_petastorm for file in files],
            schema_fields=[f"^{column}$" for column in ("example_id", *columns)],
            reader_pool_type="dummy",  # one reader in this process: more would race for the order
            shuffle_row_groups=False,
            num_epochs=1,
            **({"cur_shard": number, "shard_count": num_parts} if has_groups_for_all else {}),
        )
        with reader:
            for batch in reader:
                values = [np.asarray(getattr(batch, column), dtype=np.float32) for column in columns]
                yield np.asarray(batch.example_id, dtype=np.str_)[rows], np.column_stack(values)[rows]


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
