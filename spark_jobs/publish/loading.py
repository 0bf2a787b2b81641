"""Load keys into Redis from the executors, and read them back.

Every partition packs its rows, SETs them in bounded batches and reports how many keys and bytes it wrote and their
checksum; the verification reads the same keys back in the same partitions. Only these reports reach the driver.
Loading is not transactional: readers read an epoch only after the pointer names it.
"""

import zlib
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from functools import partial
from typing import Any, Literal

import numpy as np
import pyarrow as pa
from pyspark import TaskContext
from pyspark.sql import DataFrame
from redis.exceptions import OutOfMemoryError

from contracts.epochs import POOL_DTYPES, pack_pools
from contracts.redis_keys import kind_named
from contracts.settings import PublishRules
from spark_jobs.publish.bulk import get_all, set_all
from spark_jobs.publish.epoch_store import PublishFailed, connect, in_batches
from spark_jobs.rules.user_batches import feature_matrix

Kind = Literal["pool", "features", "card"]
REPORT = "partition INT, num_keys BIGINT, num_bytes BIGINT, checksum BIGINT"


@dataclass(frozen=True)
class Target:
    """The target of one kind of key of one epoch; ``generated_at`` is Unix seconds, for the header of pools.

    ``arm`` is the arm of the pools; None for the common ones.
    """

    url: str
    epoch: int
    kind: Kind
    generated_at: int
    rules: PublishRules
    arm: str | None = None

    def keys(self, identities: Iterable[int]) -> list[bytes]:
        """The keys of users or posts."""
        return kind_named(self.kind).keys(identities, epoch=self.epoch, arm=self.arm)


@dataclass(frozen=True)
class Part:
    """Counts of one partition's values, written or read; ``checksum`` sums the CRC-32 of key and value."""

    partition: int
    num_keys: int
    num_bytes: int
    checksum: int


def load(frame: DataFrame, target: Target, num_partitions: int) -> list[Part]:
    """Write one key per id, the first column; rows of a pool are grouped by ``rank``. One report per partition."""
    placed = frame.repartition(num_partitions, frame.columns[0]).sortWithinPartitions(*_order(frame, target.kind))
    return _reports(placed.mapInArrow(partial(_write, target=target), REPORT))


def pack(frame: DataFrame, target: Target) -> dict[int, bytes]:
    """The values that ``load`` would write for a small frame, by id."""
    batches = frame.orderBy(*_order(frame, target.kind)).toArrow().to_batches()
    return dict(PACKERS[target.kind](batches, target))


def _order(frame: DataFrame, kind: Kind) -> list[str]:
    key = frame.columns[0]
    return [key, "rank"] if kind == "pool" else [key]


def read_back(ids: DataFrame, target: Target, num_partitions: int) -> list[Part]:
    """Read the keys of ``ids``, one column of ids that are each there once; reports compare with those of ``load``."""
    placed = ids.repartition(num_partitions, ids.columns[0])
    return _reports(placed.mapInArrow(partial(_read, target=target), REPORT))


def verify(kind: Kind, written: Sequence[Part], read_back: Sequence[Part]) -> None:
    """Raise ``PublishFailed`` naming the partitions whose keys are missing or differ."""
    if list(written) == list(read_back):
        return
    wrong = sorted({part.partition for part in set(written) ^ set(read_back)})
    keys, num_read = (sum(part.num_keys for part in parts) for parts in (written, read_back))
    raise PublishFailed(
        f"verification of {kind} keys failed in partitions {wrong}: wrote {keys:,} keys, read back {num_read:,}; "
        "a value is missing or differs"
    )


def _reports(frame: DataFrame) -> list[Part]:
    parts = (Part(**row.asDict()) for row in frame.collect())
    return sorted((part for part in parts if part.num_keys), key=lambda part: part.partition)


def _write(batches: Iterable[Any], target: Target) -> Iterator[Any]:
    yield _report(*write(batches, target))


def write(batches: Iterable[Any], target: Target) -> tuple[int, int, int]:
    """Pack the rows of Arrow batches and SET their keys; returns number of keys, bytes and checksum as in ``Part``."""
    return send(PACKERS[target.kind](batches, target), target)


def send(entries: Iterable[tuple[int, bytes]], target: Target) -> tuple[int, int, int]:
    """SET packed values, given with the id of each; returns what ``write`` does."""
    rules, num_keys, num_bytes, checksum = target.rules, 0, 0, 0
    ttl_s = kind_named(target.kind).ttl_s(rules.key_ttl_s)
    with closing(connect(target.url, rules)) as client:
        for chunk in in_batches(entries, rules.keys_per_batch):
            identities, values = zip(*chunk, strict=True)
            keys = target.keys(identities)
            try:
                set_all(client, keys, values, ttl_s)
            except OutOfMemoryError as error:
                raise PublishFailed("Redis ran out of memory during the load; raise maxmemory") from error
            num_keys += len(keys)
            num_bytes += sum(map(len, values))
            checksum += sum(map(_checksum, keys, values))
    return num_keys, num_bytes, checksum


def _read(batches: Iterable[Any], target: Target) -> Iterator[Any]:
    rules, num_keys, num_bytes, checksum = target.rules, 0, 0, 0
    identities = (identity for batch in batches for identity in batch.column(0).to_pylist())
    with closing(connect(target.url, rules)) as client:
        for chunk in in_batches(identities, rules.keys_per_batch):
            keys = target.keys(chunk)
            for key, value in zip(keys, get_all(client, keys), strict=True):
                if value is not None:
                    num_keys += 1
                    num_bytes += len(value)
                    checksum += _checksum(key, value)
    yield _report(num_keys, num_bytes, checksum)


def _checksum(key: bytes, value: bytes) -> int:
    return zlib.crc32(value, zlib.crc32(key))


def _report(num_keys: int, num_bytes: int, checksum: int) -> Any:
    context = TaskContext.get()
    assert context is not None, "runs inside a task"
    values = (context.partitionId(), num_keys, num_bytes, checksum)
    types = (pa.int32(), pa.int64(), pa.int64(), pa.int64())
    columns = [pa.array([value], kind) for value, kind in zip(values, types, strict=True)]
    return pa.RecordBatch.from_arrays(columns, names=["partition", "num_keys", "num_bytes", "checksum"])


def _pools(batches: Iterable[Any], target: Target) -> Iterator[tuple[int, bytes]]:
    for table in whole_users(batches):
        users = table.column("user_id").to_numpy()
        starts = np.flatnonzero(np.diff(users)) + 1
        bounds = [0, *starts.tolist(), len(users)]
        columns = {name: table.column(name).to_numpy() for name in POOL_DTYPES}
        owners: list[int] = users[bounds[:-1]].tolist()
        yield from zip(owners, pack_pools(target.epoch, target.generated_at, owners, columns, bounds), strict=True)


def whole_users(batches: Iterable[Any]) -> Iterator[Any]:
    """Regroup batches sorted by user so that no user is cut in two; yields tables that are not empty."""
    held: list[Any] = []
    for batch in batches:
        if batch.num_rows == 0:
            continue
        table = pa.Table.from_batches([*held, batch]).combine_chunks()
        users = table.column("user_id").to_numpy()
        last = int(np.searchsorted(users, users[-1], side="left"))
        if last:
            yield table.slice(0, last)
        held = table.slice(last).to_batches()
    if held:
        yield pa.Table.from_batches(held)


def _features(batches: Iterable[Any], target: Target) -> Iterator[tuple[int, bytes]]:
    del target
    for batch in batches:
        if batch.num_rows == 0:
            continue
        halves = feature_matrix(batch.columns[1:]).astype("<f2")
        rows, width = halves.tobytes(), 2 * halves.shape[1]
        for i, user_id in enumerate(batch.column(0).to_pylist()):
            yield user_id, rows[i * width : (i + 1) * width]


def _cards(batches: Iterable[Any], target: Target) -> Iterator[tuple[int, bytes]]:
    del target
    for batch in batches:
        yield from zip(batch.column(0).to_pylist(), batch.column(1).to_pylist(), strict=True)


PACKERS = {"pool": _pools, "features": _features, "card": _cards}
