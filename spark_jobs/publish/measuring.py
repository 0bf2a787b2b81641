"""Count the content of an epoch before it is built."""

import zlib
from typing import Any

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from contracts.epochs import POOL_HEADER_BYTES, bytes_per_item, pack_pool
from contracts.features import width_of
from contracts.redis_key_kind import FALLBACKS
from spark_jobs.publish.checksums import checksum, halves_of, joined, sum_of
from spark_jobs.publish.epoch_store import PublishFailed
from spark_jobs.publish.reading import Content

_KEY_BYTES = 40


def measure(content: Content) -> dict[str, int]:
    """Counts that decide how much memory the epoch takes, and ``content``, a checksum of its content.

    Two epochs with equal ``content`` differ in their number only. Raises if a post of a pool has no card.
    """
    has_card = content.frames["card"].select("post_id", F.lit(1).alias("_has_card"))
    posts = content.by_post.join(has_card, "post_id", "left").agg(
        F.count("*").alias("posts"),
        sum_of("users").alias("users"),
        sum_of("pool_rows").alias("pool_rows"),
        sum_of(F.when(F.col("_has_card").isNull(), F.col("pool_rows"))).alias("lost"),
        *(sum_of(name).alias(name) for name in halves_of("pool")),
    )
    cards, vectors = content.frames["card"], content.frames["features"]
    card_bytes = sum_of(F.octet_length("value")).alias("card_bytes")
    counted_cards = cards.agg(F.count("*").alias("cards"), card_bytes, *checksum(cards.columns, "card"))
    counted_vectors = vectors.agg(F.count("*").alias("vectors"), *checksum(vectors.columns, "features"))
    frames = (posts, counted_cards, counted_vectors)
    counts = {name: int(value) for frame in frames for name, value in _only(frame).items()}
    public = b"".join(pack_pool(1, 0, None, columns) for _, columns in sorted(content.fallbacks.items()))
    parts = [joined(counts, kind) for kind in ("pool", "card", "features")]
    counts["content"] = zlib.crc32(repr([*parts, zlib.crc32(public)]).encode())
    if counts["lost"]:
        raise PublishFailed(
            f"{counts['lost']:,} pool rows show a post that has no card: silver.posts changed since the audit"
        )
    return counts


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
