"""Build an epoch in Redis: load every key, read every key back."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from pyspark.sql import DataFrame

from contracts.epochs import pack_pool
from contracts.redis_key_kind import FALLBACKS
from contracts.redis_keys import FALLBACK, fallback_key
from spark_jobs.night.night import Night
from spark_jobs.night.session import num_shuffles
from spark_jobs.publish import epoch_store, loading, narrowing, suppression
from spark_jobs.publish.epoch_store import PublishFailed
from spark_jobs.publish.loading import Kind, Part, Target
from spark_jobs.publish.reading import Content, is_first_row
from storage.redis_clients import Client


@dataclass
class Stopwatch:
    """Seconds per phase."""

    seconds: dict[str, float] = field(default_factory=dict)

    @contextmanager
    def phase(self, name: str) -> Iterator[None]:
        """Time the block."""
        started = time.monotonic()
        try:
            yield
        finally:
            self.seconds[name] = round(time.monotonic() - started, 2)


def build(night: Night, client: Client, epoch: int, content: Content, watch: Stopwatch) -> dict[Kind, list[Part]]:
    """Write additions of suppression and narrowing, and every key of the epoch, then read the keys back."""
    num_partitions = partitions_of(night)
    with watch.phase("suppress"):
        epoch_store.begin_held(client)
        suppression.apply(suppression.additions(night, content.versions), "SADD", night, num_partitions)
        narrowing.apply(narrowing.additions(night, content.versions, epoch), night, num_partitions)
        epoch_store.write_held(client, epoch)
    parts: dict[Kind, list[Part]] = {}
    with watch.phase("load"):
        for kind, frame in content.frames.items():
            parts[kind] = loading.load(frame, target_of(night, epoch, kind), num_partitions)
        for name, columns in content.fallbacks.items():
            value = pack_fallback(night, epoch, columns)
            client.set(fallback_key(epoch, name), value, ex=FALLBACK.ttl_s(night.settings.publish.key_ttl_s))
    with watch.phase("verify"):
        verify(night, client, epoch, content, parts)
    return parts


def verify(night: Night, client: Client, epoch: int, content: Content, parts: dict[Kind, list[Part]]) -> None:
    """Read every key of the epoch back and compare it with what was written; raises ``PublishFailed``."""
    for kind, frame in content.frames.items():
        found = loading.read_back(ids_of(kind, frame), target_of(night, epoch, kind), partitions_of(night))
        loading.verify(kind, parts[kind], found)
    for name, columns in content.fallbacks.items():
        if client.get(fallback_key(epoch, name)) != pack_fallback(night, epoch, columns):
            raise PublishFailed(f"verification of the {name} fallback failed: its value differs")
    epoch_store.verify_held(client, epoch)


def ids_of(kind: Kind, frame: DataFrame) -> DataFrame:
    """The ids of the frame's keys, each once."""
    rows = frame.where(is_first_row()) if kind == "pool" else frame
    return rows.select(frame.columns[0])


def pack_fallback(night: Night, epoch: int, columns: dict[str, Any]) -> bytes:
    """The packed pool of a fallback."""
    return pack_pool(epoch, int(night.as_of.timestamp()), None, columns)


def partitions_of(night: Night) -> int:
    """Partitions of a load: Spark's own setting, so that a cluster's configuration decides."""
    return num_shuffles(night.spark)


def target_of(night: Night, epoch: int, kind: Kind) -> Target:
    """The target of one kind of key. A pool's ``generated_at`` is the as-of: staleness is the age of the data."""
    return Target(night.redis_url, epoch, kind, int(night.as_of.timestamp()), night.settings.publish)


def summarise(counts: dict[str, int], parts: dict[Kind, list[Part]]) -> dict[str, Any]:
    """Counts and checksum of what was written; bytes are values without keys or Redis's overhead."""
    num_bytes = {kind: sum(part.num_bytes for part in loaded) for kind, loaded in parts.items()}
    users = counts["users"]
    return {
        "users": users,
        "posts": counts["posts"],
        "pool_rows": counts["pool_rows"],
        "keys": sum(part.num_keys for loaded in parts.values() for part in loaded) + len(FALLBACKS),
        "content": counts["content"],
        "bytes": sum(num_bytes.values()),
        "bytes_by_kind": num_bytes,
        "mean_bytes_per_user": round((num_bytes["pool"] + num_bytes["features"]) / users, 1) if users else 0.0,
        "checksum": f"{sum(part.checksum for loaded in parts.values() for part in loaded) % 2**64:016x}",
    }
