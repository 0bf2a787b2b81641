"""The ranked posts of each user that may still be shown on the next day. Grain: user and post."""

from datetime import date

from pyspark.sql import Column, DataFrame, SparkSession, Window
from pyspark.sql import functions as F

from contracts.epoch_status import PUBLISHED
from contracts.visibility import is_open
from spark_jobs.night.lake import Lake
from spark_jobs.simulate.exposure import WINDOW_MS
from spark_jobs.simulate.posts import admits
from spark_jobs.simulate.ties import ties
from spark_jobs.simulate.turnover import blocks
from spark_jobs.simulate.world import DAY_MS, FIRST_AD_ID, FIRST_USER_ID, World

FALLBACK_SIZE = 100
NEVER_MS = 2**62
OFFERED = (
    "user", "post_id", "rank", "propensity", "is_exploration", "epoch", "is_fallback", "is_suggested", "until_ms",
    "tie", "author", "source_type", "created_ms", "content_type", "topic", "second_topic", "quality", "popularity",
    "is_clickbait", "is_nsfw", "is_misinformation",
)  # fmt: skip


def offered(  # noqa: PLR0917 - from the feeds to what may become of them
    spark: SparkSession, world: World, feeds: DataFrame, seen: DataFrame, written: DataFrame, friends: DataFrame
) -> DataFrame:
    """What the world's last day may show: ``feeds``, or a fallback, without posts that the user has ``seen``.

    ``feeds`` comes from ``read_feeds``, ``friends`` from ``both_ways``; columns as in ``visible``.
    """
    unseen = with_fallback(spark, world, feeds, written).join(seen, ["user", "post_id"], "left_anti")
    return visible(world, unseen, written, ties(spark, world, friends), blocks(spark, world))


def read_feeds(lake: Lake, ds: date) -> DataFrame:
    """One night's candidates with their rank in the pools; ``rank`` is null if a candidate was left out.

    Columns: user, post_id, rank, propensity, is_exploration, epoch (null where the night was not published).
    Raises ``ValueError`` where the night has ranked nothing.
    """
    is_tonight = F.col("ds") == F.lit(ds)
    user = (F.col("user_id") - FIRST_USER_ID).alias("user")
    ranked = lake.read("gold.ranked_feeds").where(is_tonight)
    if ranked.isEmpty():
        raise ValueError(f"gold.ranked_feeds has no feeds of {ds}: run that night first")
    is_published = F.col("status").isin(*PUBLISHED)
    published = lake.read("gold.epochs").where(is_tonight & is_published).agg(F.max("epoch")).first()
    candidates = lake.read("gold.feed_candidates").where(is_tonight).select(user, "post_id")
    pools = ranked.select(user, "post_id", "rank", "propensity", "is_exploration")
    epoch = F.lit(None if published is None else published[0]).cast("long").alias("epoch")
    return pools.join(candidates, ["user", "post_id"], "full").select("*", epoch)


def read_ads(lake: Lake, ds: date) -> DataFrame:
    """(user, place, ad) of the ads that one night ranked."""
    lake.create("gold.ranked_ads")
    return (
        lake.read("gold.ranked_ads")
        .where(F.col("ds") == F.lit(ds))
        .select((F.col("user_id") - FIRST_USER_ID).alias("user"), "place", (F.col("ad_id") - FIRST_AD_ID).alias("ad"))
    )


def with_fallback(spark: SparkSession, world: World, feeds: DataFrame, written: DataFrame) -> DataFrame:
    """``feeds`` and, for users without a pool, a fallback: the newest open posts.

    ``is_fallback`` marks these rows; they have no epoch.
    """
    start = world.end_ms - DAY_MS
    is_recent = F.col("created_ms").between(start - WINDOW_MS, start - 1)
    newest = (F.col("created_ms").desc(), F.col("post_id"))
    is_free = is_open(_privacy(start), F.col("source_type"))
    best = written.where(is_free & is_recent).orderBy(*newest).limit(FALLBACK_SIZE)
    ranked = best.select("post_id", F.row_number().over(Window.orderBy(*newest)).alias("rank"))
    has_pool = feeds.where(F.col("rank").isNotNull()).select("user").distinct()
    left_out = spark.range(world.users).select(F.col("id").alias("user")).join(has_pool, "user", "left_anti")
    fallback = left_out.crossJoin(F.broadcast(ranked)).select(
        "user",
        "post_id",
        "rank",
        F.lit(1.0).alias("propensity"),
        F.lit(col=False).alias("is_exploration"),
        F.lit(None).cast("long").alias("epoch"),
        F.lit(col=True).alias("is_fallback"),
    )
    kept = feeds.join(has_pool, "user", "left_semi").withColumn("is_fallback", F.lit(col=False))
    return kept.unionByName(fallback)


def _privacy(at_ms: int) -> Column:
    """Privacy of a post at an instant."""
    changed = F.when(F.col("updated_ms") < at_ms, F.col("new_privacy"))
    return F.coalesce(changed, F.col("privacy"))


def visible(world: World, feeds: DataFrame, written: DataFrame, tied: DataFrame, blocked: DataFrame) -> DataFrame:
    """Rows of ``feeds`` that their user may see when the world's last day begins, with the post's truth.

    ``until_ms`` is when that ends: by deletion, a closed post, an ended friendship or a block. Posts that become
    visible during the day are not shown, because no night has ranked them. ``tied`` is ``ties``; a post without a tie
    is a suggestion.
    """
    start, user = world.end_ms - DAY_MS, F.col("user")
    turned = blocked.select(F.col("blocked").alias("user"), F.col("user").alias("blocked"), "since_ms")
    apart = blocked.select("user", "blocked", "since_ms").unionByName(turned).groupBy("user", "blocked")
    apart_since = apart.agg(F.min("since_ms").alias("apart_ms")).withColumnRenamed("blocked", "author")
    met = (
        feeds.join(written.drop("day"), "post_id", "inner")
        .join(tied, ["user", "source_type", "source_id"], "left")
        .join(apart_since, ["user", "author"], "left")
    )
    is_tied = F.coalesce(
        (F.col("since_ms") < start) & (F.coalesce("until_ms", F.lit(NEVER_MS)) > start), F.lit(col=False)
    )
    is_free = is_open(_privacy(start), F.col("source_type"))
    known = met.withColumns({"is_tied": is_tied, "is_open": is_free, "privacy": _privacy(start)})
    is_friend, free = F.col("source_type") == "friend", F.col("is_open")
    closed_ms = F.when(F.col("new_privacy") == "only_me", F.col("updated_ms"))
    parted_ms = F.when(~free, F.col("until_ms"))
    ends = F.least(F.lit(NEVER_MS), F.col("deleted_ms"), closed_ms, parted_ms, F.col("apart_ms"))
    admitted = free | (F.col("is_tied") & (~is_friend | admits(world, user)))
    truth = {
        "until_ms": ends,
        "tie": F.when(F.col("is_tied"), F.col("tie")).otherwise(0.0),
        "is_suggested": (~F.col("is_tied")).cast("int"),
    }
    return known.where(admitted & (ends > start) & (F.col("author") != user)).withColumns(truth).select(*OFFERED)
