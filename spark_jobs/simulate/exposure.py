"""Impressions: which posts a user is shown, when, and in which order.

Each post that a user may see is delivered to one session of that user in the 72 hours after it, early ones being
likelier, and each session adds a few popular public posts. A session shows what was delivered to it in random
order, up to its length: the logged propensity of a position is therefore exactly one over the number delivered.
Ads (``ads.py``) stand between them at fixed positions.
"""

from pyspark.sql import Column, DataFrame, SparkSession, Window
from pyspark.sql import functions as F

from spark_jobs.simulate.network import blocks, memberships, page_follows, tie
from spark_jobs.simulate.posts import admits, page_post_id
from spark_jobs.simulate.world import FIRST_GROUP_ID, FIRST_PAGE_ID, HOUR_MS, WARM_UP_DAYS, World, choose

SLOT_HOURS = 6
SLOTS_PER_DAY = 4
SLOT_MS = SLOT_HOURS * HOUR_MS
SLOTS_IN_WINDOW = 12
FIRST_SLOT = -WARM_UP_DAYS * SLOTS_PER_DAY
SLOT_CHANCE = (0.15, 0.55, 0.65, 0.80)
"""Chance that a user of average activity opens a session in the night, morning, afternoon and evening."""

SESSION_LENGTH = 16
FIRST_AD_AFTER, ADS_EVERY = 4, 8
"""An ad follows a session's fourth post and every eighth post after that: at positions 5 and 14."""

SUGGESTED_PER_SESSION = 3
WINDOW_MS = SLOTS_IN_WINDOW * SLOT_MS
MIN_AGE_MS = 60_000
DEVICES = {"phone": 0.70, "tablet": 0.10, "desktop": 0.20}
DRIFTED_DEVICES = {"phone": 0.50, "tablet": 0.10, "desktop": 0.40}
WIFI_SHARES = {"phone": 0.55, "tablet": 0.9}
PAUSE_MS = 20_000
DELIVERED = (
    "user", "post_id", "slot", "started_ms", "tie", "author", "source_type", "created_ms", "content_type",
    "topic", "second_topic", "quality", "popularity", "is_clickbait", "is_nsfw", "is_misinformation",
)  # fmt: skip


def session_start_ms(world: World, user: Column, slot: Column) -> Column:
    """When the session of a slot starts: at least 15 minutes into its six hours, at least 15 before their end."""
    hours = slot * SLOT_HOURS + 0.25 + (SLOT_HOURS - 0.5) * world.uniform("session/start", user, slot)
    return (world.start_ms + hours * HOUR_MS).cast("long")


def has_session(world: World, user: Column, slot: Column) -> Column:
    """Whether a user opens a session in a slot; slots are numbered from the first day's midnight."""
    activity = 0.5 + world.uniform("user/activity", user)
    chances = F.array(*(F.lit(chance) for chance in SLOT_CHANCE))
    chance = F.element_at(chances, F.pmod(slot, F.lit(SLOTS_PER_DAY)).cast("int") + 1)
    return world.uniform("session/opens", user, slot) < chance * activity


def schedules(spark: SparkSession, world: World) -> DataFrame:
    """Each user's ``opened`` slots, and how many of them lie ``before`` every slot. Grain: user.

    They begin with the warm-up and end three days late. Sessions outside the simulated days are never shown; they
    take their share of the deliveries, so that the first and the last day look like the others.
    """
    user = F.col("id")
    first, last = F.lit(FIRST_SLOT).cast("long"), F.lit((world.days + 3) * SLOTS_PER_DAY).cast("long")
    opened = F.filter(F.sequence(first, last - 1), lambda slot: has_session(world, user, slot))
    before = F.transform(F.sequence(first, last), lambda slot: F.size(F.filter("opened", lambda other: other < slot)))
    users = spark.range(world.users).select(user.alias("user"), opened.alias("opened"))
    return users.withColumn("before", before)


def shown(spark: SparkSession, world: World, written: DataFrame, friends: DataFrame) -> DataFrame:
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
        F.count("*").over(session).alias("num_delivered"),
        F.row_number().over(order).alias("place"),
    )
    placed = seen.where(F.col("place") <= SESSION_LENGTH)
    positioned = placed.withColumn("position", F.col("place") + num_ads_after(F.col("place") - 1))
    return positioned.withColumns(
        {"shown_ms": shown_ms(world, "user", "post_id"), "device": device(world, F.col("started_ms"))}
    ).withColumn("connection", connection(world))


def num_ads_after(num_posts: Column) -> Column:
    """Ads that a session has shown when so many of its posts are behind the user."""
    return F.floor((num_posts + ADS_EVERY - FIRST_AD_AFTER) / ADS_EVERY).cast("int")


def shown_ms(world: World, *keys: str) -> Column:
    """When a position of a session comes into view: some 20 s after the one before."""
    pause = PAUSE_MS * (F.col("position") - 1 + world.uniform("impression/pause", *keys))
    return F.col("started_ms") + pause.cast("long")


def device(world: World, started_ms: Column) -> Column:
    """The device of a session; after the drift more of them are desktops."""
    draw = world.uniform("session/device", "user", "slot")
    return F.when(started_ms < world.drift_ms, choose(draw, DEVICES)).otherwise(choose(draw, DRIFTED_DEVICES))


def connection(world: World) -> Column:
    """What a session runs over: desktops are wired, the others on Wi-Fi or a mobile network."""
    draw = world.uniform("session/connection", "user", "slot")
    shares = F.coalesce(*(F.when(F.col("device") == device, share) for device, share in WIFI_SHARES.items()))
    return F.when(F.col("device") == "desktop", "wired").when(draw < shares, "wifi").otherwise("cellular")


def _connected(spark: SparkSession, world: World, written: DataFrame, friends: DataFrame) -> DataFrame:
    """Posts by friends, followed pages and joined groups with each user they may reach. Grain: user and post."""
    user = F.col("user")
    by_friends = (
        written.where((F.col("source_type") == "friend") & (F.col("privacy") != "only_me"))
        .join(friends.withColumnRenamed("friend", "author"), "author", "inner")
        .where(admits(world, user))
        .withColumn("tie", tie(world, user, F.col("author")))
    )
    open_ended = {"since_ms": F.lit(0).cast("long"), "until_ms": F.lit(None).cast("long")}
    follows = page_follows(spark, world).select("user", (F.col("page") + FIRST_PAGE_ID).alias("source_id"))
    by_pages = (
        written.where(F.col("source_type") == "page")
        .join(follows.withColumns(open_ended), "source_id", "inner")
        .withColumn("tie", 0.7 * F.pow(world.uniform("follow/tie", user, "source_id"), 2.0))
    )
    members = memberships(spark, world).select("user", (F.col("group") + FIRST_GROUP_ID).alias("source_id"))
    by_groups = (
        written.where(F.col("source_type") == "group")
        .join(members.withColumns(open_ended), "source_id", "inner")
        .withColumn("tie", 0.4 * world.uniform("membership/tie", user, "source_id"))
    )
    return without_blocked(
        spark, world, by_friends.unionByName(by_pages).unionByName(by_groups).where(F.col("author") != user)
    )


def without_blocked(spark: SparkSession, world: World, pairs: DataFrame) -> DataFrame:
    """Leave out pairs of which one ever blocks the other: before the block too, which costs next to nothing."""
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
    last_ms = F.col("started_ms") + (SESSION_LENGTH + 2) * PAUSE_MS
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
    """Popular public posts of pages, whoever follows them, yesterday's or the day before's. Grain: user, slot, post."""
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
    met = picks.distinct().join(posts, "post_id", "inner").withColumn("tie", F.lit(0.0))
    others = met.where((F.col("author") != user) & (F.col("created_ms") + WINDOW_MS > F.col("started_ms")))
    return without_blocked(opened.sparkSession, world, others).select(*DELIVERED, F.lit(1).alias("is_suggested"))
