"""Impressions: which posts a user is shown, when, and in which order.

Each post that a user may see is delivered to one session of that user in the next 72 hours, more likely to an early
one, and each session adds a few popular public posts. A session shows its deliveries in random order, up to its length.
So the logged propensity of a position is exactly one over the number of deliveries. Ads (``ads.py``) are shown between
them at fixed positions.
"""

from pyspark.sql import Column, DataFrame, SparkSession, Window
from pyspark.sql import functions as F

from spark_jobs.simulate.posts import admits, page_post_id
from spark_jobs.simulate.sessions import (
    FIRST_SLOT,
    LONGEST_MS,
    SESSION_LENGTH,
    SLOT_MS,
    SLOTS_PER_DAY,
    in_view,
    schedules,
    session_start_ms,
)
from spark_jobs.simulate.ties import ties
from spark_jobs.simulate.turnover import blocks
from spark_jobs.simulate.world import World

SLOTS_IN_WINDOW = 12
WINDOW_MS = SLOTS_IN_WINDOW * SLOT_MS
SUGGESTED_PER_SESSION = 3
MIN_AGE_MS = 60_000
DELIVERED = (
    "user", "post_id", "slot", "started_ms", "tie", "author", "source_type", "created_ms", "content_type",
    "topic", "second_topic", "quality", "popularity", "is_clickbait", "is_nsfw", "is_misinformation",
)  # fmt: skip


def impressions(spark: SparkSession, world: World, written: DataFrame, friends: DataFrame) -> DataFrame:
    """Impressions before anyone reacts. Grain: user and post; also unique by user, slot and position."""
    opened = schedules(spark, world)
    connected = _deliver(world, _connected(spark, world, written, friends).join(opened, "user", "inner"))
    delivered = connected.unionByName(_suggested(world, written, opened)).repartition("user")
    first_of_pair = Window.partitionBy("user", "post_id").orderBy(F.col("is_suggested"), F.col("slot"))
    session = Window.partitionBy("user", "slot")
    order = session.orderBy(world.uniform("session/order", "user", "post_id"), F.col("post_id"))
    unique = delivered.withColumn("nth", F.row_number().over(first_of_pair)).where(F.col("nth") == 1)
    seen = unique.select(
        *DELIVERED,
        "is_suggested",
        F.lit(None).cast("long").alias("epoch"),
        (1.0 / F.count("*").over(session)).alias("propensity"),
        F.row_number().over(order).alias("place"),
    )
    return in_view(world, seen.where(F.col("place") <= SESSION_LENGTH))


def _connected(spark: SparkSession, world: World, written: DataFrame, friends: DataFrame) -> DataFrame:
    """Posts by friends, followed pages and joined groups with each user they may reach. Grain: user and post."""
    user = F.col("user")
    connected = written.join(ties(spark, world, friends), ["source_type", "source_id"], "inner")
    reached = connected.where((F.col("source_type") != "friend") | admits(world, user))
    return without_blocked(spark, world, reached.where(F.col("author") != user))


def without_blocked(spark: SparkSession, world: World, pairs: DataFrame) -> DataFrame:
    """Leave out pairs of which one ever blocks the other, even before the block; there are few."""
    made = blocks(spark, world)
    either = made.select("user", F.col("blocked").alias("author")).unionByName(
        made.select(F.col("blocked").alias("user"), F.col("user").alias("author"))
    )
    return pairs.join(either, ["user", "author"], "left_anti")


def _deliver(world: World, reachable: DataFrame) -> DataFrame:
    """Give each pair to one of the user's sessions in the post's window, if it may still be seen by then."""
    created = F.col("created_ms")
    written_in = F.floor((created - world.start_ms) / SLOT_MS)
    place = (written_in - FIRST_SLOT).cast("int")
    meets_own_slot = (F.get("before", place + 1) > F.get("before", place)) & (
        session_start_ms(world, F.col("user"), written_in) > created + MIN_AGE_MS
    )
    nearest = F.get("before", F.when(meets_own_slot, place).otherwise(place + 1))
    count = F.get("before", place + SLOTS_IN_WINDOW) - nearest
    number = nearest + world.index(count, "delivery", "user", "post_id", power=2.0).cast("int")
    one = F.explode(F.slice("opened", number + 1, F.least(count, F.lit(1))))
    dated = reachable.withColumn("slot", one).withColumn(
        "started_ms", session_start_ms(world, F.col("user"), F.col("slot"))
    )
    last_ms = F.col("started_ms") + LONGEST_MS
    hidden_ms = F.when(F.col("new_privacy") == "only_me", F.col("updated_ms"))
    still_visible = (
        (F.col("since_ms") < F.col("started_ms") - MIN_AGE_MS)
        & (F.coalesce("until_ms", F.lit(world.end_ms * 2)) > last_ms)
        & (F.coalesce("deleted_ms", F.lit(world.end_ms * 2)) > last_ms)
        & (F.coalesce(hidden_ms, F.lit(world.end_ms * 2)) > last_ms)
    )
    return dated.where(still_visible & _is_simulated(world)).select(*DELIVERED, F.lit(0).alias("is_suggested"))


def _is_simulated(world: World) -> Column:
    return F.col("slot").between(0, world.days * SLOTS_PER_DAY - 1)


def _suggested(world: World, written: DataFrame, opened: DataFrame) -> DataFrame:
    """Popular public posts of pages, of the last two days, for followers and others. Grain: user, slot, post."""
    user, slot, draw = F.col("user"), F.col("slot"), F.col("draw")
    exploded = opened.select(user, F.explode("opened").alias("slot")).withColumn(
        "started_ms", session_start_ms(world, user, slot)
    )
    numbers = F.explode(F.sequence(F.lit(1), F.lit(SUGGESTED_PER_SESSION)))
    drawn = exploded.where(_is_simulated(world)).select("*", numbers.alias("draw"))
    page = world.index(world.pages, "suggest/page", user, slot, draw, power=2.0)
    day = F.floor(slot / SLOTS_PER_DAY) - 1 - world.index(2, "suggest/day", user, slot, draw)
    picks = drawn.select(user, slot, "started_ms", page_post_id(page, day, 0).alias("post_id"))
    posts = written.where((F.col("source_type") == "page") & F.col("deleted_ms").isNull())
    seen = picks.distinct().join(posts, "post_id", "inner").withColumn("tie", F.lit(0.0))
    others = seen.where((F.col("author") != user) & (F.col("created_ms") + WINDOW_MS > F.col("started_ms")))
    return without_blocked(opened.sparkSession, world, others).select(*DELIVERED, F.lit(1).alias("is_suggested"))
