"""A lake of random pools, features, posts and blocks, as large as asked for: what ``publish`` reads, and no more."""

from datetime import date, timedelta

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from contracts.epochs import CONTENT_TYPES
from contracts.features import Entity, features_of
from contracts.settings import Settings
from spark_jobs.night.lake import Lake
from spark_jobs.night.night import Night

DS = date(2026, 3, 8)
POOL_SIZE = 100
NUM_POSTS = 20_000
BLOCKS_PER_USER = 5
TEXT_CHARACTERS = 240
FIRST_ID, FIRST_POST_ID = 2**40, 2**41
"""Users and posts have ids from here on: ids of a large network are long, which counts where bytes are compared."""
POSTS_PER_AUTHOR = 10
_STEP, _TURN = 7919, 197  # primes, so that a pool has a post once
_SOURCES = (("friend", "friend_posted"), ("page", "page_posted"), ("suggested", "suggested_topic"))


def build(night: Night, num_users: int, num_posts: int = NUM_POSTS) -> None:
    """Write every table that a publish of the night reads, and its audit."""
    spark, num_authors = night.spark, num_posts // POSTS_PER_AUTHOR
    users = spark.range(num_users).select((F.col("id") + FIRST_ID).alias("user_id"))
    written = spark.range(num_posts).select(
        (F.col("id") + FIRST_POST_ID).alias("post_id"), (F.col("id") % num_authors + FIRST_ID).alias("author_id")
    )
    _append(night.lake, "silver.users", _versions(users, night))
    _append(night.lake, "silver.posts", _posts(written, night))
    _append(night.lake, "silver.blocks", _blocks(num_users, night))
    _append(night.lake, "gold.post_features", _features(written, "post", night))
    _append(night.lake, "gold.user_features", _features(users, "user", night))
    _append(night.lake, "gold.ranked_feeds", _pools(num_users, num_posts, night))
    night.lake.create("gold.ranked_ads")
    versions = {name: night.lake.version(f"gold.ranked_{name}") for name in ("feeds", "ads")}
    night.files.audit.write(
        {
            "ds": night.ds.isoformat(),
            "passed": True,
            "ranked_version": versions["feeds"],
            "ads_version": versions["ads"],
            "checks": [],
        }
    )


def night_of(lake: Lake, runs: str, redis_url: str) -> Night:
    """The night that is published."""
    return Night(lake, DS, "", runs, Settings(), redis_url)


def _append(lake: Lake, name: str, frame: DataFrame) -> None:
    lake.create(name)
    frame.write.format("delta").mode("append").save(lake.path(name))


def _versions(users: DataFrame, night: Night) -> DataFrame:
    joined = F.lit(night.as_of - timedelta(days=100))
    name = F.concat(F.lit("User "), F.col("user_id")).alias("name")
    nothing = F.array().cast("array<string>").alias("interests")
    times = [joined.alias(column) for column in ("signup_at", "valid_from", "received_at")]
    return users.select("user_id", name, F.lit(False).alias("is_verified"), nothing, *times)  # noqa: FBT003 - a literal


def _posts(written: DataFrame, night: Night) -> DataFrame:
    age_s = F.pmod(F.xxhash64("post_id"), F.lit(48 * 3600)) + 60
    created = F.timestamp_seconds(F.lit(int(night.as_of.timestamp())) - age_s)
    content = F.element_at(F.array(*map(F.lit, CONTENT_TYPES)), (F.pmod(F.col("post_id"), F.lit(4)) + 1).cast("int"))
    columns = {
        "source_type": F.lit("friend"),
        "source_id": F.col("author_id"),
        "content_type": content,
        "text": F.lit("lorem " * (TEXT_CHARACTERS // 6)),
        "hashtags": F.array(F.lit("food")),
        "mentions": F.array().cast("array<bigint>"),
        "media_count": F.lit(0),
        "privacy": F.lit("public"),
        "audience": F.array().cast("array<bigint>"),
        "created_at": created,
        "updated_at": created,
        "is_deleted": F.lit(False),  # noqa: FBT003 - a literal
        "received_at": created,
    }
    return written.select("post_id", "author_id", *(column.alias(name) for name, column in columns.items()))


def _blocks(num_users: int, night: Night) -> DataFrame:
    since = F.lit(night.as_of - timedelta(days=50))
    pairs = night.spark.range(num_users * BLOCKS_PER_USER)
    user = (F.col("id") % num_users + FIRST_ID).alias("user_id")
    blocked = (F.pmod(F.xxhash64("id"), F.lit(num_users)) + FIRST_ID).alias("blocked_id")
    times = [since.alias(column) for column in ("valid_from", "received_at", "known_at")]
    return pairs.select(user, blocked, *times)


def _features(entities: DataFrame, entity: Entity, night: Night) -> DataFrame:
    columns = []
    for seed, feature in enumerate(features_of(entity)):
        value = F.rand(seed).cast("float")
        columns.append((F.array_repeat(value, feature.size) if feature.size > 1 else value).alias(feature.name))
    return entities.select("*", *columns, F.lit(night.ds).alias("ds"))


def _pools(num_users: int, num_posts: int, night: Night) -> DataFrame:
    place, user = F.col("id") % POOL_SIZE, F.floor(F.col("id") / POOL_SIZE)
    is_drawn = place % Settings().exploration.every == 0
    post = F.pmod(user * _STEP + place * _TURN, F.lit(num_posts)) + FIRST_POST_ID
    kind = (F.pmod(F.xxhash64("id"), F.lit(len(_SOURCES))) + 1).cast("int")
    source, reason = (F.element_at(F.array(*map(F.lit, names)), kind) for names in zip(*_SOURCES, strict=True))
    posts = night.lake.read("silver.posts").select("post_id", "author_id", "content_type", "privacy", "created_at")
    rows = night.spark.range(num_users * POOL_SIZE).select(
        (user + FIRST_ID).cast("bigint").alias("user_id"),
        (place + 1).cast("int").alias("rank"),
        post.cast("bigint").alias("post_id"),
        source.alias("source_type"),
        reason.alias("reason"),
        (F.lit(5.0) / (place + 2)).cast("float").alias("value_score"),
        is_drawn.alias("is_exploration"),
        F.when(is_drawn, 0.01).otherwise(1.0).alias("propensity"),
        F.lit(night.ds).alias("ds"),
    )
    return rows.join(F.broadcast(posts), "post_id").withColumn("source_id", F.col("author_id"))
