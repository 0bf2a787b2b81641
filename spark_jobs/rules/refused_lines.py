"""Rows of bronze.quarantine, for the stages that write and read them."""

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

DIFFERS = "NOT (new.reason <=> old.reason AND new.detail <=> old.detail AND new.is_settled <=> old.is_settled)"
"""Condition of a merge: a row that is refused again for the same reason is not rewritten."""


def with_times(refused: DataFrame) -> DataFrame:
    """``refused`` with its times as in bronze.events, null if the line has none."""
    times = F.from_json("raw", "event_time STRING, received_at STRING")
    at = {name: F.try_to_timestamp(F.col("times")[name]) for name in ("event_time", "received_at")}
    read = refused.withColumn("times", times).withColumns(at)
    return read.withColumn("received_at", F.greatest("received_at", "event_time"))
