"""Sessions: when a user opens one, its device, its positions, and its events.

A session shows up to ``SESSION_LENGTH`` posts (chosen by ``exposure.py`` or ``serve.py``), and ads (``ads.py``) between
them at fixed positions.
"""

from pyspark.sql import Column, DataFrame, SparkSession
from pyspark.sql import functions as F

from spark_jobs.simulate.lines import as_lines, identified, lateness, moment
from spark_jobs.simulate.world import FIRST_USER_ID, HOUR_MS, WARM_UP_DAYS, World, choose

SLOT_HOURS = 6
SLOTS_PER_DAY = 4
SLOT_MS = SLOT_HOURS * HOUR_MS
FIRST_SLOT = -WARM_UP_DAYS * SLOTS_PER_DAY
SLOT_CHANCE = (0.15, 0.55, 0.65, 0.80)
"""Probability that a user of average activity opens a session in the night, morning, afternoon and evening."""

SESSION_LENGTH = 16
FIRST_AD_AFTER, ADS_EVERY = 4, 8
"""An ad follows a session's fourth post and every eighth post after that: at positions 5 and 14."""

PAUSE_MS = 20_000
LONGEST_MS = (SESSION_LENGTH + 2) * PAUSE_MS
"""A full session with its two ads, from its start to the end of its last position."""

DEVICES = {"phone": 0.70, "tablet": 0.10, "desktop": 0.20}
DRIFTED_DEVICES = {"phone": 0.50, "tablet": 0.10, "desktop": 0.40}
WIFI_SHARES = {"phone": 0.55, "tablet": 0.9}


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

    They begin with the warm-up and end three days after the last day. Sessions outside the simulated days are never
    shown; they take their share of the deliveries, so that the first and the last day are like the others.
    """
    user = F.col("id")
    first, last = F.lit(FIRST_SLOT).cast("long"), F.lit((world.days + 3) * SLOTS_PER_DAY).cast("long")
    opened = F.filter(F.sequence(first, last - 1), lambda slot: has_session(world, user, slot))
    before = F.transform(F.sequence(first, last), lambda slot: F.size(F.filter("opened", lambda other: other < slot)))
    users = spark.range(world.users).select(user.alias("user"), opened.alias("opened"))
    return users.withColumn("before", before)


def opened_on_last_day(spark: SparkSession, world: World) -> DataFrame:
    """Users with sessions on the world's last day: ``sessions``, slot and started_ms of each in order. Grain: user."""
    user, first = F.col("id"), F.lit((world.days - 1) * SLOTS_PER_DAY).cast("long")
    slots = F.filter(F.sequence(first, first + SLOTS_PER_DAY - 1), lambda slot: has_session(world, user, slot))
    opened = F.transform(
        slots,
        lambda slot: F.struct(slot.alias("slot"), session_start_ms(world, user, slot).alias("started_ms")),
    )
    users = spark.range(world.users).select(user.alias("user"), opened.alias("sessions"))
    return users.where(F.size("sessions") > 0)


def in_view(world: World, placed: DataFrame) -> DataFrame:
    """Add ``position``, ``shown_ms``, ``device`` and ``connection`` to posts of sessions. Grain as given.

    ``place`` counts a session's posts from 1; its positions count the ads too.
    """
    positioned = placed.withColumn("position", F.col("place") + num_ads_after(F.col("place") - 1))
    return positioned.withColumns(
        {"shown_ms": shown_ms(world, "user", "post_id"), "device": _device(world, F.col("started_ms"))}
    ).withColumn("connection", _connection(world))


def num_ads_after(num_posts: Column) -> Column:
    """Number of ads that a session has shown after ``num_posts`` posts."""
    return F.floor((num_posts + ADS_EVERY - FIRST_AD_AFTER) / ADS_EVERY).cast("int")


def shown_ms(world: World, *keys: str) -> Column:
    """When a position of a session comes into view: about 20 s after the one before."""
    pause = PAUSE_MS * (F.col("position") - 1 + world.uniform("impression/pause", *keys))
    return F.col("started_ms") + pause.cast("long")


def _device(world: World, started_ms: Column) -> Column:
    """The device of a session; after the drift more of them are desktops."""
    draw = world.uniform("session/device", "user", "slot")
    return F.when(started_ms < world.drift_ms, choose(draw, DEVICES)).otherwise(choose(draw, DRIFTED_DEVICES))


def _connection(world: World) -> Column:
    """The connection of a session: desktops are wired, other devices use Wi-Fi or a mobile network."""
    draw = world.uniform("session/connection", "user", "slot")
    shares = F.coalesce(*(F.when(F.col("device") == device, share) for device, share in WIFI_SHARES.items()))
    return F.when(F.col("device") == "desktop", "wired").when(draw < shares, "wifi").otherwise("cellular")


def sessions(reacted: DataFrame) -> DataFrame:
    """Sessions in which something was shown; ``reacted`` as ``react`` gives it. Grain: user and slot.

    ``num_shown`` counts posts, ``num_ads`` places for ads, ``scroll_depth`` is the last position. A session ends when
    the time of its last position has passed.
    """
    begun = reacted.groupBy("user", "slot", "started_ms", "device", "connection").agg(
        F.count("*").alias("num_shown"), F.max(F.col("shown_ms") + F.coalesce("dwell_ms", F.lit(1000))).alias("left_ms")
    )
    counted = begun.withColumn("num_ads", num_ads_after(F.col("num_shown"))).withColumn(
        "scroll_depth", (F.col("num_shown") + F.col("num_ads")).cast("int")
    )
    scrolled_ms = F.col("started_ms") + PAUSE_MS * F.col("scroll_depth")
    return counted.withColumn("ended_ms", F.greatest("left_ms", scrolled_ms)).drop("left_ms")


def session_lines(world: World, visited: DataFrame) -> DataFrame:
    """The events of ``sessions``."""
    return as_lines(
        world,
        identified(visited, "session", ("user", "slot"), F.col("ended_ms")),
        "session",
        {
            "session_id": F.concat_ws("-", F.lit("s"), "user", "slot"),
            "user_id": F.col("user") + FIRST_USER_ID,
            "device": F.col("device"),
            "started_at": moment(F.col("started_ms")),
            "ended_at": moment(F.col("ended_ms")),
            "connection": F.col("connection"),
            "scroll_depth": F.col("scroll_depth"),
        },
        lateness(world),
    )
