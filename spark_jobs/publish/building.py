"""Build an epoch in Redis: read its content, measure it, load every key, read every key back."""

import time
import zlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from contracts.epochs import POOL_HEADER_BYTES, bytes_per_item, pack_pool
from contracts.features import width_of
from contracts.redis_keys import FALLBACK, FALLBACKS, fallback_key
from spark_jobs.night.night import Night
from spark_jobs.night.session import num_shuffles
from spark_jobs.publish import entries, epoch_store, loading, narrowing, suppression
from spark_jobs.publish.epoch_store import PublishFailed
from spark_jobs.publish.loading import Kind, Part, Target
from spark_jobs.rules.policy import is_flagged, labelled_posts, read_policy, with_flags
from spark_jobs.rules.recent_posts import existing_posts, recent_posts
from storage.redis_clients import Client

_KEY_BYTES = 40


@dataclass(frozen=True)
class Content:
    """An epoch's content as frames by kind of key, its two fallback pools as columns, and the Delta versions read.

    ``pool`` is (user_id, rank, pool columns) of posts and ads, ``features`` (user_id, features), ``card`` (post_id,
    value).
    """

    versions: dict[str, int]
    frames: dict[Kind, DataFrame]
    fallbacks: dict[str, dict[str, Any]]


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


def read_content(night: Night, versions: dict[str, int]) -> Content:
    """Everything the epoch holds, from the pinned versions."""

    def read(name: str) -> DataFrame:
        return night.lake.read(name, versions[name])

    is_tonight = F.col("ds") == F.lit(night.ds)
    policy = read_policy(night, read)
    sensitive = labelled_posts(policy.flagged, night.settings.ads.sensitive).withColumn("is_sensitive", F.lit(col=True))
    ranked = read("gold.ranked_feeds").where(is_tonight).join(F.broadcast(sensitive), "post_id", "left")
    ads = read("gold.ranked_ads").where(is_tonight)
    existing = existing_posts(read("silver.posts"), night.as_of)
    promoted = existing.join(F.broadcast(ads.select("post_id").distinct()), "post_id", "left_semi")
    features = read("gold.post_features").where(is_tonight)
    posts = recent_posts(read("silver.posts"), features, night.as_of, night.settings)
    # A fallback may be shown to anybody, also to users who ask to hide a label.
    harmless = with_flags(posts, policy.flagged).where(~is_flagged())
    fallbacks: dict[str, Any] = {kind: entries.fallback_pool(harmless, kind, night.settings.pool) for kind in FALLBACKS}
    for kind, columns in fallbacks.items():
        refuse_flagged(kind, columns, policy.flagged)
    open_ids = sorted({int(i) for columns in fallbacks.values() for i in columns["post_id"]})
    pools = entries.code_pools(ranked).unionByName(entries.code_pools(entries.ads_among(ads, promoted)))
    shown = pools.select("post_id").union(night.spark.createDataFrame([(i,) for i in open_ids], "post_id BIGINT"))
    cards = entries.cards(
        shown.distinct(),
        entries.with_promoted(posts, promoted),
        entries.latest_names(read("silver.users")),
        entries.source_names(read("silver.pages"), read("silver.groups")),
    )
    users = entries.user_vectors(read("gold.user_features").where(is_tonight))
    return Content(versions, {"pool": pools, "features": users, "card": cards}, fallbacks)


def refuse_flagged(kind: str, columns: dict[str, Any], flagged: DataFrame) -> None:
    """Raise if the fallback pool has a post that policy withholds from any user."""
    shown = [int(post_id) for post_id in columns["post_id"]]
    withheld = sorted(row.post_id for row in flagged.where(F.col("post_id").isin(shown)).collect())
    if withheld:
        raise PublishFailed(
            f"the {kind} fallback, which anybody may be shown, holds posts that policy hides: {withheld}"
        )


def measure(content: Content) -> dict[str, int]:
    """Counts that decide how much memory the epoch takes, and ``content``, a checksum of its content.

    Two epochs with equal ``content`` differ in their number only. Raises if a post of a pool has no card.
    """
    pools = content.frames["pool"]
    # Summed by post first, so that cards are joined with posts and not with every row of every pool.
    counted = F.count("*").alias("_rows"), F.count_if(is_first_row()).alias("_first")
    by_post = pools.groupBy("post_id").agg(*counted, *_checksum(pools.columns, "pool"))
    has_card = content.frames["card"].select("post_id", F.lit(1).alias("_has_card"))
    posts = by_post.join(has_card, "post_id", "left").agg(
        F.count("*").alias("posts"),
        _sum("_first").alias("users"),
        _sum("_rows").alias("pool_rows"),
        _sum(F.when(F.col("_has_card").isNull(), F.col("_rows"))).alias("lost"),
        *(_sum(name).alias(name) for name in _halves("pool")),
    )
    cards, vectors = content.frames["card"], content.frames["features"]
    card_bytes = _sum(F.octet_length("value")).alias("card_bytes")
    counted_cards = cards.agg(F.count("*").alias("cards"), card_bytes, *_checksum(cards.columns, "card"))
    counted_vectors = vectors.agg(F.count("*").alias("vectors"), *_checksum(vectors.columns, "features"))
    frames = (posts, counted_cards, counted_vectors)
    counts = {name: int(value) for frame in frames for name, value in _only(frame).items()}
    public = b"".join(pack_pool(1, 0, None, columns) for _, columns in sorted(content.fallbacks.items()))
    parts = [_joined(counts, kind) for kind in ("pool", "card", "features")]
    counts["content"] = zlib.crc32(repr([*parts, zlib.crc32(public)]).encode())
    if counts["lost"]:
        raise PublishFailed(
            f"{counts['lost']:,} pool rows show a post that has no card: silver.posts changed since the audit"
        )
    return counts


def is_first_row() -> Column:
    """Whether a row is the first of its user's pool: ranks begin with 1, which is a gate of ``gold.ranked_feeds``."""
    return F.col("rank") == 1


def ids_of(kind: Kind, frame: DataFrame) -> DataFrame:
    """The ids of the frame's keys, each once."""
    rows = frame.where(is_first_row()) if kind == "pool" else frame
    return rows.select(frame.columns[0])


def _halves(kind: str) -> tuple[str, str]:
    return f"_{kind}_high", f"_{kind}_low"


def _checksum(columns: Sequence[str], kind: str) -> list[Column]:
    """Aggregates: the sum of the hashes of a frame's rows, in any order, by the halves of each hash.

    Sums of halves fit 64 bits for two billion rows; a sum of whole hashes would need decimals, which are slow.
    """
    row, (high, low) = F.xxhash64(*columns), _halves(kind)
    return [_sum(F.shiftright(row, 32)).alias(high), _sum(row.bitwiseAND(F.lit(0xFFFFFFFF))).alias(low)]


def _joined(counts: dict[str, int], kind: str) -> int:
    """The checksum of one kind, whose halves leave ``counts``."""
    high, low = (counts.pop(name) for name in _halves(kind))
    return (high << 32) + low


def _sum(values: Column | str) -> Column:
    return F.coalesce(F.sum(values), F.lit(0))


def _only(frame: DataFrame) -> dict[str, Any]:
    first = frame.first()
    assert first is not None, "an aggregate without groups has one row"
    return first.asDict()


def estimate_bytes(counts: dict[str, int], bytes_per_key: int) -> int:
    """Memory that Redis will need for the epoch, from its counts."""
    num_keys = counts["users"] + counts["vectors"] + counts["cards"] + len(FALLBACKS)
    values = counts["pool_rows"] * bytes_per_item() + counts["users"] * POOL_HEADER_BYTES
    values += counts["vectors"] * 2 * width_of("user") + counts["card_bytes"]
    return values + num_keys * (bytes_per_key + _KEY_BYTES)


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
