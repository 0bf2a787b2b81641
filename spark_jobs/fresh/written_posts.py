"""Write the posts made since the night beside an epoch that is served: cards first, then each user's list."""

from collections.abc import Iterable, Iterator
from contextlib import closing
from functools import partial
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from pyspark.sql import DataFrame
from pyspark.sql import functions as F
from redis.exceptions import OutOfMemoryError

from contracts.epochs import POOL_DTYPES, pack_pools
from contracts.redis_keys import FRESH
from spark_jobs.night.night import Night
from spark_jobs.night.session import num_shuffles
from spark_jobs.publish import epoch_store, loading
from spark_jobs.publish.bulk import set_all
from spark_jobs.publish.epoch_store import PublishFailed, in_batches
from spark_jobs.publish.loading import Target
from storage.redis_clients import Client

_COUNTS = "lists BIGINT, posts BIGINT"


def is_served(client: Client, epoch: int) -> bool:
    """Whether the pointer names the epoch, so that its keys are removed when it does so no more."""
    pointer = epoch_store.read_pointer(client)
    return pointer is not None and pointer.names(epoch)


def write(night: Night, client: Client, epoch: int, cards: DataFrame, lists: DataFrame) -> tuple[int, int] | None:
    """Write ``cards`` (post_id, value) and ``lists``; returns how many lists and posts these have.

    ``lists`` have (user_id, rank, columns of a pool); the list of a user whose only row has no post is removed. None if
    the epoch is not served, before or after: then its keys are removed, which would stay until the next publish.
    """
    if not is_served(client, epoch):
        return None
    rules, num_partitions = night.settings.publish, num_shuffles(night.spark)
    target = Target(night.redis_url, epoch, "card", int(night.as_of.timestamp()), rules)
    loading.load(cards, target, num_partitions)
    placed = lists.repartition(num_partitions, "user_id").sortWithinPartitions("user_id", "rank")
    written = placed.mapInArrow(partial(_write_lists, target=target), _COUNTS)
    totals = written.agg(*(F.coalesce(F.sum(name), F.lit(0)).alias(name) for name in ("lists", "posts"))).first()
    assert totals is not None, "an aggregate without groups has one row"
    if not is_served(client, epoch):
        epoch_store.discard_epoch(client, epoch, rules)
        return None
    return totals.lists, totals.posts


def _write_lists(batches: Iterable[pa.RecordBatch], target: Target) -> Iterator[pa.RecordBatch]:
    rules, num_lists, num_posts = target.rules, 0, 0
    with closing(epoch_store.connect(target.url, rules)) as client:
        for table in loading.whole_users(batches):
            has_post = pc.is_valid(table.column("post_id"))
            gone = table.filter(pc.invert(has_post)).column("user_id").to_pylist()
            for users in in_batches(gone, rules.keys_per_batch):
                client.unlink(*FRESH.keys(users, epoch=target.epoch))
            kept = table.filter(has_post)
            for entries in in_batches(_packed(kept, target), rules.keys_per_batch):
                owners, values = zip(*entries, strict=True)
                try:
                    set_all(client, FRESH.keys(owners, epoch=target.epoch), values, FRESH.ttl_s(rules.key_ttl_s))
                except OutOfMemoryError as error:
                    raise PublishFailed("Redis ran out of memory for fresh posts; raise maxmemory") from error
                num_lists += len(owners)
            num_posts += kept.num_rows
    yield pa.RecordBatch.from_pydict({"lists": [num_lists], "posts": [num_posts]})


def _packed(table: pa.Table, target: Target) -> Iterator[tuple[int, bytes]]:
    users = table.column("user_id").to_numpy()
    if not len(users):
        return
    bounds = [0, *(np.flatnonzero(np.diff(users)) + 1).tolist(), len(users)]
    columns: dict[str, Any] = {name: table.column(name).to_numpy() for name in POOL_DTYPES}
    owners: list[int] = users[bounds[:-1]].tolist()
    yield from zip(owners, pack_pools(target.epoch, target.generated_at, owners, columns, bounds), strict=True)
