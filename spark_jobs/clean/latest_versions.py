"""Entities that keep only the latest version of each key: the one with the greatest event time."""

from collections.abc import Callable

from pyspark.sql import DataFrame, Window
from pyspark.sql import functions as F

from spark_jobs.clean.references import merge_accepted
from spark_jobs.night.night import Night

COMES_AFTER = (
    "struct(new.updated_at, new.event_id) > struct(old.updated_at, coalesce(old.event_id, '') AS event_id) "
    "OR (new.event_id = old.event_id AND new.updated_at = old.updated_at AND new.received_at < old.received_at)"
)
"""The order of ``latest_versions``; if an event is delivered twice, the delivery received first is kept."""


def latest_versions(events: DataFrame, *keys: str) -> DataFrame:
    """The event of each key with the greatest event time, then event id; ``event_time`` is now ``updated_at``.

    Grain: ``keys``.
    """
    latest = Window.partitionBy(*keys).orderBy(F.desc("event_time"), F.desc("event_id"))
    kept = events.withColumn("rank", F.row_number().over(latest)).where(F.col("rank") == 1)
    return kept.drop("rank").withColumnRenamed("event_time", "updated_at")


def merge_latest(night: Night, table: str, checked: DataFrame, transform: Callable[[DataFrame], DataFrame]) -> None:
    """Quarantine the events that ``checked`` refuses; merge ``transform`` of the rest if newer than the table's row."""
    merge_accepted(night, table, checked, transform, update_when=COMES_AFTER)
