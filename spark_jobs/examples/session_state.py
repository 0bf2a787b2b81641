"""The state of a session when a post was shown, from events known by then."""

from pyspark.sql import DataFrame, Window
from pyspark.sql import functions as F

from spark_jobs.rules.point_in_time import visible_micros


def session_state(impressions: DataFrame) -> DataFrame:
    """``impressions`` with num_session_views and session_micros, both as of ``shown_at``.

    num_session_views counts the impressions of the same user and session that are visible at that instant;
    session_micros is the time since the first of them, 0 if there is none. Both are null if the session is unknown.
    Each impression occurs twice in the order of time, as an event that becomes visible and as an instant that counts
    visible events: one sort per session, no join.
    """
    shown = F.unix_micros("shown_at")
    seen = F.struct(
        visible_micros("shown_at", "received_at").alias("at"), F.lit(0).alias("looks"), shown.alias("shown")
    )
    looks = F.struct(shown.alias("at"), F.lit(1).alias("looks"), F.lit(None).cast("long").alias("shown"))
    steps = impressions.withColumn("_step", F.explode(F.array(seen, looks)))
    so_far = (
        Window.partitionBy("user_id", "session_id")
        .orderBy("_step.at", "_step.looks")
        .rangeBetween(Window.unboundedPreceding, Window.currentRow)
    )
    state = {
        "num_session_views": F.count("_step.shown").over(so_far),
        "session_micros": F.coalesce(shown - F.min("_step.shown").over(so_far), F.lit(0)),
    }
    is_known = F.col("session_id").isNotNull()
    return (
        steps.withColumns({name: F.when(is_known, value) for name, value in state.items()})
        .where(F.col("_step.looks") == 1)
        .drop("_step")
    )
