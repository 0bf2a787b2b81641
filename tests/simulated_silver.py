"""A simulated network written directly to silver: no landing files, no impressions, with its truth."""

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from contracts.landing import FEED_PREFERENCES, LABELS
from spark_jobs.night.ddl import read_schema
from spark_jobs.night.lake import Lake
from spark_jobs.night.writers import conform
from spark_jobs.simulate import network, turnover
from spark_jobs.simulate.labels import verdicts
from spark_jobs.simulate.posts import hashtags, posts
from spark_jobs.simulate.texts import text
from spark_jobs.simulate.world import FIRST_GROUP_ID, FIRST_PAGE_ID, FIRST_USER_ID, World


def put_frame(lake: Lake, name: str, frame: DataFrame) -> None:
    """Write the columns of ``frame`` that the table has; a nullable one that it lacks is null."""
    blanks = {
        field.name: F.lit(None).cast(field.dataType)
        for field in read_schema(name)
        if field.nullable and field.name not in frame.columns
    }
    rows = frame.withColumns(blanks).select(*(field.name for field in read_schema(name)))
    conform(lake, name, rows).write.format("delta").mode("append").save(lake.path(name))


def put_posts(lake: Lake, world: World, truth: str) -> DataFrame:
    """Write silver.posts and silver.content_labels; returns the posts, kept in ``truth`` with what they are."""
    posts(lake.spark, world).withColumn("text", text(world, hashtags())).write.parquet(truth)
    written = lake.spark.read.parquet(truth)
    created = F.timestamp_millis("created_ms")
    known = {
        "author_id": F.col("author") + FIRST_USER_ID,
        "hashtags": hashtags(),
        "created_at": created,
        "updated_at": created,
        "received_at": created,
        "is_deleted": F.lit(col=False),
        "media_count": (F.col("content_type") == "photo").cast("int"),
    }
    lists = {name: F.array().cast("array<bigint>") for name in ("mentions", "audience")}
    put_frame(lake, "silver.posts", written.withColumns(lists | known))
    labels = verdicts(world, written).withColumn("updated_at", F.timestamp_millis("at_ms"))
    put_frame(lake, "silver.content_labels", labels.withColumn("received_at", F.col("updated_at")))
    return written


def truth_of(written: DataFrame) -> DataFrame:
    """(post_id, true_<label>) of ``put_posts``."""
    return written.select("post_id", *(F.col(f"is_{label}").alias(f"true_{label}") for label in LABELS))


def put_viewers(lake: Lake, world: World, every: int, asks_share: float) -> None:
    """Write every so-many-th user, what they ask of the feed, and the edges of all users.

    Each word of ``FEED_PREFERENCES`` is asked for by ``asks_share`` of them.
    """
    spark, user = lake.spark, F.col("id")
    joined = F.timestamp_millis(network.signed_up_ms(world, user))
    asked = (F.when(world.uniform(f"test/asks/{word}", user) < asks_share, F.lit(word)) for word in FEED_PREFERENCES)
    known = {
        "user_id": user + FIRST_USER_ID,
        "name": user.cast("string"),
        "is_verified": F.lit(col=False),
        "interests": F.array().cast("array<string>"),
        "feed_preferences": F.array_compact(F.array(*asked)),
        "signup_at": joined,
        "valid_from": joined,
        "received_at": joined,
    }
    put_frame(lake, "silver.users", spark.range(0, world.users, every).withColumns(known))
    until = F.timestamp_millis("until_ms")
    friends = network.both_ways(turnover.friendships(spark, world))
    put_frame(lake, "silver.friendships", _edges(friends, F.timestamp_millis("since_ms"), until, friend=FIRST_USER_ID))
    for name, key, first, frame in (
        ("silver.page_follows", "page", FIRST_PAGE_ID, network.page_follows(spark, world)),
        ("silver.group_memberships", "group", FIRST_GROUP_ID, network.memberships(spark, world)),
    ):
        since = F.timestamp_millis(network.past_ms(world, "test/since", F.col("user")))
        put_frame(lake, name, _edges(frame, since, F.lit(None).cast("timestamp"), **{key: first}))


def _edges(frame: DataFrame, since: Column, until: Column, **other: int) -> DataFrame:
    ends = {f"{name}_id": F.col(name) + first for name, first in (("user", FIRST_USER_ID), *other.items())}
    return frame.withColumns({**ends, "valid_from": since, "received_at": since, "valid_to": until})
