"""Sessions as the client reports them when they are over."""

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from spark_jobs.simulate.exposure import PAUSE_MS, num_ads_after
from spark_jobs.simulate.lines import as_lines, identified, lateness, moment
from spark_jobs.simulate.world import FIRST_USER_ID, World


def sessions(reacted: DataFrame) -> DataFrame:
    """Sessions in which something was shown; ``reacted`` as ``react`` gives it. Grain: user and slot.

    ``num_shown`` are posts, ``num_ads`` the places for ads among them, ``scroll_depth`` is the last position. A session
    ends when the last thing in view has had its time.
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
