"""Suppression sets in Redis: blocks, hidden posts, takedowns. They belong to no epoch and the reader obeys them now.

Additions go in before the flip and removals after it, member by member, never by replacing a set: between the
two, readers see the union, and what a live service added since the night ended stays.
"""

from collections.abc import Iterable, Iterator
from contextlib import closing
from datetime import timedelta
from functools import partial
from itertools import groupby
from operator import itemgetter
from typing import Any, Literal

import pyarrow as pa
from pyspark.sql import DataFrame, Window
from pyspark.sql import functions as F
from redis.exceptions import OutOfMemoryError

from contracts.epochs import MAX_WRITTEN_MEMBERS
from contracts.redis_keys import BLOCK, HIDDEN, TAKEDOWN, kind_named
from contracts.settings import PublishRules
from spark_jobs.night.night import Night
from spark_jobs.publish.bulk import change_sets
from spark_jobs.publish.epoch_store import PublishFailed, connect, in_batches
from spark_jobs.rules.post_versions import deletion_columns
from spark_jobs.rules.seen import rejected_pairs
from spark_jobs.rules.visibility import both_directions

Command = Literal["SADD", "SREM"]
_MEMBERS_PER_KEY = 10
"""Members that are sent for each of ``publish.keys_per_batch`` keys, on average; no batch is larger."""


def additions(night: Night, versions: dict[str, int]) -> DataFrame:
    """(kind, owner, member): blocks that hold or may, hidden posts that can still be in a pool, recent tombstones.

    Events after the as-of count here: suppressing early is safe, late is not. At most ``MAX_WRITTEN_MEMBERS`` blocks
    and hidden posts of a user: a user with more is served public posts only, so further members change nothing.
    """
    reads = _Inputs(night, versions)
    hidden = reads.hidden().where(F.col("created_at") >= F.lit(reads.oldest_post))
    return _members(
        first_of_each(reads.blocked_now(), "blocked_id", MAX_WRITTEN_MEMBERS),
        first_of_each(hidden, "post_id", MAX_WRITTEN_MEMBERS),
        reads.tombstones(reads.oldest_takedown, None),
    )


def first_of_each(pairs: DataFrame, member: str, most: int) -> DataFrame:
    """At most ``most`` rows of each ``user_id``, those with the smallest ``member``; unique per user and member."""
    place = F.row_number().over(Window.partitionBy("user_id").orderBy(member))
    return pairs.withColumn("_place", place).where(F.col("_place") <= most).drop("_place")


def removals(night: Night, versions: dict[str, int]) -> DataFrame:
    """(kind, owner, member) of blocks that ended lately, and posts too old to be in any pool or takedown.

    Each night looks back over ``late_days`` more, so that a skipped night leaves nothing behind. A hide that was taken
    back is removed by the service that accepted it: its user may have hidden the post again since.
    """
    reads = _Inputs(night, versions)
    ended_since = F.col("valid_to") >= F.lit(night.as_of - reads.overlap)
    ended = both_directions(reads.blocks.where(ended_since & (F.col("valid_to") <= F.lit(night.as_of))))
    lifted = ended.join(reads.blocked_now(), ["user_id", "blocked_id"], "left_anti")
    is_too_old = F.col("created_at") < F.lit(reads.oldest_post)
    aged_lately = F.col("created_at") >= F.lit(reads.oldest_post - reads.overlap)
    expired = reads.tombstones(reads.oldest_takedown - reads.overlap, reads.oldest_takedown)
    return _members(lifted, reads.hidden().where(is_too_old & aged_lately), expired)


def _members(blocked: DataFrame, hidden: DataFrame, taken_down: DataFrame) -> DataFrame:
    columns = ("kind", "owner", "member")
    blocks = blocked.select(F.lit(BLOCK.name), "user_id", "blocked_id").toDF(*columns)
    hides = hidden.select(F.lit(HIDDEN.name), "user_id", "post_id").toDF(*columns)
    tombstones = taken_down.select(F.lit(TAKEDOWN.name), F.lit(None).cast("bigint"), "post_id").toDF(*columns)
    return blocks.unionByName(hides).unionByName(tombstones)


class _Inputs:
    """The silver tables at the pinned versions, and the instants that bound each kind of set."""

    def __init__(self, night: Night, versions: dict[str, int]) -> None:
        def read(name: str) -> DataFrame:
            return night.lake.read(name, versions[name])

        settings = night.settings
        ttl = timedelta(seconds=settings.publish.key_ttl_s)
        self.as_of = night.as_of
        self.blocks, self.posts, self.engagements = map(read, ("silver.blocks", "silver.posts", "silver.engagements"))
        # An unblocking that ended nothing is an interval of no length, and no block.
        self.blocks = self.blocks.where("valid_to IS NULL OR valid_to > valid_from")
        self.overlap = timedelta(days=settings.dataset.late_days + 1)
        # No key of an epoch outlives its TTL, so no older post can be in a pool that is served.
        self.oldest_post = night.as_of - timedelta(hours=settings.dataset.candidate_hours) - ttl
        self.oldest_takedown = night.as_of - timedelta(days=settings.publish.takedown_days)

    def blocked_now(self) -> DataFrame:
        """Pairs of every block that has not ended by the as-of, however new."""
        return both_directions(self.blocks.where(F.col("valid_to").isNull() | (F.col("valid_to") > F.lit(self.as_of))))

    def hidden(self) -> DataFrame:
        """(user_id, post_id, created_at) of posts hidden or reported since the oldest that matters was made."""
        since = (self.oldest_post - self.overlap).date()
        pairs = rejected_pairs(self.engagements.where(F.col("event_date") >= F.lit(since)))
        return pairs.join(self.posts.select("post_id", "created_at"), "post_id", "inner")

    def tombstones(self, since: Any, until: Any) -> DataFrame:
        """Posts whose deletion was received in [since, until)."""
        deleted = self.posts.where("is_deleted").select("post_id", *deletion_columns())
        deleted = deleted.where(F.col("deletion_received_at") >= F.lit(since))
        return deleted if until is None else deleted.where(F.col("deletion_received_at") < F.lit(until))


def apply(members: DataFrame, command: Command, night: Night, num_partitions: int) -> int:
    """Add or remove the members from the executors; returns how many changed a set."""
    # A user's members go together, so that a set takes one command; the one set without an owner is divided.
    placed = members.repartition(num_partitions, F.coalesce("owner", "member")).sortWithinPartitions("kind", "owner")
    send = partial(_send, command=command, url=night.redis_url, rules=night.settings.publish)
    total = placed.mapInArrow(send, "changed BIGINT").agg(F.sum("changed")).first()
    return int(total[0] or 0) if total else 0


def _send(batches: Iterable[Any], command: Command, url: str, rules: PublishRules) -> Iterator[Any]:
    rows = (row for batch in batches for row in zip(*(c.to_pylist() for c in batch.columns), strict=True))
    changed = 0
    with closing(connect(url, rules)) as client:
        for chunk in in_batches(rows, _MEMBERS_PER_KEY * rules.keys_per_batch):
            sets = [
                (kind_named(kind).key(owner).encode(), [member for _, _, member in of_set])
                for (kind, owner), of_set in groupby(chunk, itemgetter(0, 1))
            ]
            try:
                changed += sum(change_sets(client, command, sets))
            except OutOfMemoryError as error:
                raise PublishFailed("Redis ran out of memory in suppression sets; raise maxmemory") from error
    yield pa.RecordBatch.from_arrays([pa.array([changed], pa.int64())], names=["changed"])
