"""Narrowed posts and ended ties, which a publish writes for readers before the flip.

A reader leaves these out of every pool of an epoch below the score. Scores only rise, so a rerun of a publish changes
nothing. Nothing needs to be undone: a renewed tie, or a post that opens again, is in the pools of the next epoch. A
post that was edited long before an epoch is left out of that epoch too; these are few.
"""

from collections.abc import Iterable, Iterator
from contextlib import closing
from datetime import datetime, timedelta
from functools import partial
from typing import Any

import pyarrow as pa
from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F
from redis.exceptions import OutOfMemoryError

from contracts.redis_keys import NARROWED_KEY, PARTED, parted_key
from contracts.redis_members import FRIEND, GROUP
from contracts.settings import PublishRules
from contracts.visibility import is_open
from spark_jobs.night.night import Night
from spark_jobs.publish.epoch_store import PublishFailed, connect, in_batches
from spark_jobs.rules.visibility import active
from storage.redis_clients import Client


def additions(night: Night, versions: dict[str, int], epoch: int) -> DataFrame:
    """(owner, member, epoch) of everything narrowed since the oldest epoch that is still served was computed.

    ``owner`` is null for a post, which is narrowed for everybody, else the user who lost the tie. ``epoch`` is the one
    being published, or the next one for changes after its as-of: suppressing early is safe, late is not.
    """

    def read(name: str) -> DataFrame:
        return night.lake.read(name, versions[name])

    settings = night.settings
    ttl = timedelta(seconds=settings.publish.key_ttl_s)
    oldest_post = night.as_of - timedelta(hours=settings.dataset.candidate_hours) - ttl
    since = night.as_of - ttl - timedelta(days=settings.dataset.late_days + 1)
    friends = ended_ties(read("silver.friendships"), "friend_id", since, night.as_of)
    groups = ended_ties(read("silver.group_memberships"), "group_id", since, night.as_of)
    posts = narrowed_posts(read("silver.posts"), read("silver.post_edits"), oldest_post, night.as_of)
    owner = F.col("user_id").alias("owner")
    ties = [
        ended.select(owner, F.concat(F.lit(kind.prefix), other).alias("member"), "is_news")
        for kind, other, ended in ((FRIEND, "friend_id", friends), (GROUP, "group_id", groups))
    ]
    every = posts.select(F.lit(None).cast("bigint").alias("owner"), F.col("post_id").cast("string"), "is_news")
    first = F.lit(epoch) + F.col("is_news").cast("bigint")
    return every.union(ties[0]).union(ties[1]).toDF("owner", "member", "is_news").select("owner", "member", first)


def narrowed_posts(posts: DataFrame, edits: DataFrame, oldest: datetime, as_of: datetime) -> DataFrame:
    """(post_id, is_news): posts made since ``oldest`` that not everybody may see, and whose audience has changed.

    The new audience need not be smaller: the pools of this night decide who may see the post.
    ``is_news``: the change came after the as-of.
    """
    known_at = F.greatest("updated_at", F.coalesce("version_received_at", "received_at"))
    candidates = posts.where(
        ~F.col("is_deleted") & ~is_open(F.col("privacy"), F.col("source_type")) & (F.col("created_at") >= F.lit(oldest))
    )
    now = candidates.select("post_id", _rule().alias("rule"), (known_at >= F.lit(as_of)).alias("is_news"))
    before = edits.select("post_id", _rule().alias("old_rule"))
    changed = now.join(before, "post_id", "inner").where(~F.col("rule").eqNullSafe(F.col("old_rule")))
    return changed.select("post_id", "is_news").distinct()


def _rule() -> Column:
    return F.struct("privacy", F.array_sort("audience").alias("audience"), "source_type", "source_id")


def ended_ties(edges: DataFrame, other: str, since: datetime, as_of: datetime) -> DataFrame:
    """(user_id, ``other``, is_news): ties that ended, or whose end was received, since then and that are not renewed.

    ``is_news``: the tie ended after the as-of, so this night's pools still have it.
    """
    known_at = F.greatest("valid_to", "end_known_at")
    ended = edges.where(F.col("valid_to").isNotNull() & (known_at >= F.lit(since)))
    is_news = F.col("valid_to") > F.lit(as_of)
    holding = active(edges, as_of).select("user_id", other)
    ended_before = (
        ended.where(~is_news).join(holding, ["user_id", other], "left_anti").withColumn("is_news", F.lit(col=False))
    )
    news = ended.where(is_news).withColumn("is_news", F.lit(col=True))
    columns = ("user_id", other, "is_news")
    return ended_before.select(*columns).union(news.select(*columns)).distinct()


def apply(members: DataFrame, night: Night, num_partitions: int) -> int:
    """Add the members from the executors; returns how many are new."""
    rows = members.repartition(num_partitions, "owner", "member")
    send = partial(_send, url=night.redis_url, rules=night.settings.publish)
    total = rows.mapInArrow(send, "added BIGINT").agg(F.sum("added")).first()
    return int(total[0] or 0) if total else 0


def _send(batches: Iterable[Any], url: str, rules: PublishRules) -> Iterator[Any]:
    rows = (row for batch in batches for row in zip(*(c.to_pylist() for c in batch.columns), strict=True))
    added = 0
    with closing(connect(url, rules)) as client:
        for chunk in in_batches(rows, rules.keys_per_batch):
            pipe: Any = client.pipeline(transaction=False)
            for owner, member, epoch in chunk:
                pipe.zadd(NARROWED_KEY if owner is None else parted_key(owner), {member: epoch}, gt=True)
            for owner in {owner for owner, _, _ in chunk if owner is not None}:
                # All pools that this set concerns were written before, so none lives longer.
                pipe.expire(parted_key(owner), PARTED.ttl_s(rules.key_ttl_s))
            try:
                added += sum(int(reply) for reply in pipe.execute()[: len(chunk)])
            except OutOfMemoryError as error:
                raise PublishFailed("Redis ran out of memory in sets of ended ties; raise maxmemory") from error
    yield pa.RecordBatch.from_arrays([pa.array([added], pa.int64())], names=["added"])


def forget(client: Client, served: Iterable[int]) -> None:
    """Remove posts that no served epoch needs any more."""
    oldest = min(served, default=None)
    if oldest is not None:
        client.zremrangebyscore(NARROWED_KEY, "-inf", oldest)
