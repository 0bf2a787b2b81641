"""Read the content of an epoch from the lake, at pinned versions."""

from dataclasses import dataclass
from typing import Any

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from contracts.redis_key_kind import FALLBACKS
from spark_jobs.night.night import Night
from spark_jobs.publish import entries
from spark_jobs.publish.checksums import checksum
from spark_jobs.publish.epoch_store import PublishFailed
from spark_jobs.publish.loading import Kind
from spark_jobs.rules.policy import is_flagged, labelled_posts, read_policy, with_flags
from spark_jobs.rules.recent_posts import existing_posts, recent_posts


@dataclass(frozen=True)
class Content:
    """An epoch's content as frames by kind of key, its two fallback pools as columns, and the Delta versions read.

    ``pool`` is (user_id, rank, pool columns) of posts and ads, ``features`` (user_id, features), ``card`` (post_id,
    value). ``by_post`` is from ``rows_by_post``: cards and counts follow from it without another pass over the pools.
    """

    versions: dict[str, int]
    frames: dict[Kind, DataFrame]
    by_post: DataFrame
    fallbacks: dict[str, dict[str, Any]]


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
    by_post = rows_by_post(pools)
    shown = by_post.select("post_id").union(night.spark.createDataFrame([(i,) for i in open_ids], "post_id BIGINT"))
    cards = entries.cards(
        shown.distinct(),
        entries.with_promoted(posts, promoted),
        entries.latest_names(read("silver.users")),
        entries.source_names(read("silver.pages"), read("silver.groups")),
    )
    users = entries.user_vectors(read("gold.user_features").where(is_tonight))
    return Content(versions, {"pool": pools, "features": users, "card": cards}, by_post, fallbacks)


def rows_by_post(pools: DataFrame) -> DataFrame:
    """Per post of the pools: ``pool_rows``, ``users`` whose first post it is, halves of the checksum of its rows."""
    counted = F.count("*").alias("pool_rows"), F.count_if(is_first_row()).alias("users")
    return pools.groupBy("post_id").agg(*counted, *checksum(pools.columns, "pool"))


def is_first_row() -> Column:
    """Whether a row is the first of its user's pool: ranks begin with 1, which is a gate of ``gold.ranked_feeds``."""
    return F.col("rank") == 1


def refuse_flagged(kind: str, columns: dict[str, Any], flagged: DataFrame) -> None:
    """Raise if the fallback pool has a post that policy withholds from any user."""
    shown = [int(post_id) for post_id in columns["post_id"]]
    withheld = sorted(row.post_id for row in flagged.where(F.col("post_id").isin(shown)).collect())
    if withheld:
        raise PublishFailed(
            f"the {kind} fallback, which anybody may be shown, holds posts that policy hides: {withheld}"
        )
