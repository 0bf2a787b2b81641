"""Events as JSON lines of the landing contract, with the time of their arrival."""

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from spark_jobs.simulate.world import DAY_MS, World

LATE_SHARE = 0.01
MOST_LATE_MS = 2 * DAY_MS
TIME_FORMAT = "yyyy-MM-dd'T'HH:mm:ss.SSS'Z'"


def moment(milliseconds: Column) -> Column:
    """Unix milliseconds as ISO 8601 in UTC."""
    return F.date_format(F.timestamp_millis(milliseconds), TIME_FORMAT)


def as_lines(
    world: World, frame: DataFrame, event_type: str, fields: dict[str, Column], lag_ms: Column | None = None
) -> DataFrame:
    """Add arrival time and line to a frame with ``event_id`` and ``event_ms``; events that arrive too late are dropped.

    Events before the first day arrive in its first minute, all others within ten seconds and ``lag_ms``.
    """
    key = F.xxhash64("event_id")
    at_start = F.lit(world.start_ms) + (world.uniform("arrival/first", key) * 60_000).cast("long")
    soon = F.col("event_ms") + 500 + (world.uniform("arrival/soon", key) * 9_500).cast("long")
    if lag_ms is not None:
        soon = soon + lag_ms
    envelope = [
        F.col("event_id"),
        F.lit(event_type).alias("event_type"),
        moment(F.col("event_ms")).alias("event_time"),
        moment(F.col("received_ms")).alias("received_at"),
    ]
    body = [column.alias(name) for name, column in fields.items()]
    return (
        frame.withColumn("received_ms", F.greatest(soon, at_start))
        .where(F.col("received_ms") < world.end_ms)
        .select(
            "event_id",
            F.lit(event_type).alias("event_type"),
            "received_ms",
            F.to_json(F.struct(*envelope, *body)).alias("line"),
        )
    )


def lateness(world: World) -> Column:
    """Extra delay in milliseconds: one event in a hundred arrives up to two days late."""
    key = F.xxhash64("event_id")
    delay = (world.uniform("arrival/delay", key) * MOST_LATE_MS).cast("long")
    return F.when(world.uniform("arrival/late", key) < LATE_SHARE, delay).otherwise(0)


def identified(frame: DataFrame, prefix: str, columns: tuple[str, ...], event_ms: Column) -> DataFrame:
    """Add the event id, ``<prefix>-<columns>``, and the event time."""
    return frame.withColumns({"event_id": F.concat_ws("-", F.lit(prefix), *columns), "event_ms": event_ms})
