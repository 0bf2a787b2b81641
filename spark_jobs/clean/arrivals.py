"""silver.arrivals: which landing files brought new events, from which days; grain: source, batch (the pass of clean).

This is the last job of the stage. Its rows record that all silver tables have processed the newest read of the landing
area, and which daily snapshots must be built again because of late events.
"""

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from spark_jobs.clean.news import progress, since
from spark_jobs.night.night import Night
from spark_jobs.night.writers import delete_all, merge_by_key
from spark_jobs.rules.point_in_time import seen_day
from spark_jobs.rules.refused_lines import with_times


def transform(fresh: DataFrame, settled: DataFrame) -> DataFrame:
    """Rows of one pass: ``fresh`` are its events, ``settled`` those that had waited and were accepted now."""
    day = seen_day("event_time", "received_at").alias("day")
    newest = fresh.agg(F.coalesce(F.max("batch"), F.lit(0)).alias("batch"))
    events = fresh.select("source", day, F.lit(0).alias("waited"))
    events = events.unionByName(settled.select("source", day, F.lit(1).alias("waited")))
    rows = events.groupBy("source").agg(
        F.count("*").alias("num_events"), F.sum("waited").alias("num_waited"), F.min("day").alias("seen_from")
    )
    return rows.crossJoin(F.broadcast(newest)).select("source", "batch", "num_events", "num_waited", "seen_from")


def main(night: Night) -> None:
    """Record the pass, and remove settled rows from the quarantine."""
    fresh = since(night.read("bronze.events"), progress(night).through)
    is_settled = F.col("is_settled").isNotNull()
    settled = night.read("bronze.quarantine").where(is_settled)
    if not fresh.isEmpty():
        merge_by_key(night.lake, "silver.arrivals", transform(fresh, with_times(settled)), update_when="true")
    if not settled.isEmpty():
        delete_all(night.lake, "bronze.quarantine", is_settled)
