"""Sessions and their lengths, as each day's snapshot sees them."""

from pyspark.sql import DataFrame, Window
from pyspark.sql import functions as F

from spark_jobs.features.interactions import event_interval


def session_lengths(log: DataFrame, activity_days: int) -> DataFrame:
    """Each session of a day in steps: the impressions first seen on one day add one step.

    Grain: session and seen day; columns user_id, num_sessions (1 in the first step), session_micros, from_day,
    until_day. The steps that a snapshot sees sum to the time between the first and the last impression that it sees,
    even if some were received days later.
    """
    keys = ("user_id", "event_date", "session_id")
    micros = F.unix_micros("event_time")
    steps = (
        log.where(F.col("session_id").isNotNull())
        .groupBy(*keys, "seen_day")
        .agg(F.min(micros).alias("_first"), F.max(micros).alias("_last"))
    )
    order = Window.partitionBy(*keys).orderBy("seen_day")
    so_far = order.rowsBetween(Window.unboundedPreceding, Window.currentRow)
    length = F.max("_last").over(so_far) - F.min("_first").over(so_far)
    lengths = steps.withColumns({"_length": length, "_number": F.row_number().over(order)})
    added = F.col("_length") - F.coalesce(F.lag("_length").over(order), F.lit(0))
    return lengths.select(
        "user_id",
        (F.col("_number") == 1).cast("long").alias("num_sessions"),
        added.alias("session_micros"),
        *event_interval(activity_days),
    )
