"""Pages and groups: entities that a user owns, of which the latest version is kept."""

from pyspark.sql import DataFrame, Window
from pyspark.sql import functions as F

from spark_jobs.clean.references import Reference, accepted, check, write_refused
from spark_jobs.clean.typed_events import landed_in_scope, typed_events
from spark_jobs.lake import merge_by_key
from spark_jobs.night import Night


def transform(events: DataFrame, key: str) -> DataFrame:
    """Grain: ``key`` (``page_id`` or ``group_id``). The version with the greatest event time, then event id."""
    latest = Window.partitionBy(key).orderBy(F.desc("event_time"), F.desc("event_id"))
    kept = events.withColumn("rank", F.row_number().over(latest)).where(F.col("rank") == 1)
    return kept.select(key, "owner_id", "name", F.col("event_time").alias("updated_at"), "received_at")


def build(night: Night, table: str, event_type: str, key: str) -> None:
    """Merge the night's news of ``table``; an event whose owner is unknown is quarantined as unknown_user."""
    users = night.read("silver.users").select("user_id")
    events = typed_events(landed_in_scope(night), event_type)
    checked = check(events, [Reference("owner_id", users, "unknown_user")]).persist()
    try:
        write_refused(night, table, checked)
        latest = transform(accepted(checked), key)
        merge_by_key(night.lake, table, latest, update_when="new.updated_at >= old.updated_at")
    finally:
        checked.unpersist()
