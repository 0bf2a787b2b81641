"""bronze.events: each landed event as landed, exactly once; grain: event_id.

Refused lines are merged into bronze.quarantine first, then the accepted lines of all new files are appended in one
commit. A run killed between the two leaves its files new; the rerun merges the same refusals (insert-only) and appends.
"""

import logging

from pyspark.sql import DataFrame, Window
from pyspark.sql import functions as F

from spark_jobs.ingest import quarantine
from spark_jobs.ingest.landing_files import new_files, read_lines
from spark_jobs.ingest.validation import validate
from spark_jobs.lake import append_rows, merge_by_key
from spark_jobs.night import Night

_log = logging.getLogger(__name__)


def transform(validated: DataFrame, known: DataFrame) -> DataFrame:
    """Every line, with the reason and detail of its refusal where it is refused; ``validated`` as ``validate`` gives.

    Of several acceptable lines with one event id, the one received first is the event (then by source and line), and
    none is where ``known`` (column ``event_id``, distinct) holds the id; the others are refused as duplicate_event.
    """
    is_valid = F.col("reason").isNull()
    # Refused lines have no part in this: each is alone in its group.
    own_line = F.concat_ws(":", "source", "line")
    same_event = Window.partitionBy(is_valid, F.when(is_valid, F.col("event_id")).otherwise(own_line))
    copy = F.row_number().over(same_event.orderBy("received_at", "source", "line"))
    in_bronze = known.select("event_id", F.col("event_id").alias("known_id"))
    lines = validated.withColumn("copy", copy).join(in_bronze, on="event_id", how="left")
    is_duplicate = is_valid & ((F.col("copy") > 1) | F.col("known_id").isNotNull())
    return lines.select(
        *(column for column in validated.columns if column not in {"reason", "detail"}),
        F.when(is_duplicate, F.lit("duplicate_event")).otherwise(F.col("reason")).alias("reason"),
        F.when(is_duplicate, F.concat(F.lit("event_id="), "event_id")).otherwise(F.col("detail")).alias("detail"),
    )


def accepted(checked: DataFrame) -> DataFrame:
    """Rows of bronze.events: the lines without a reason, together by file so that a day has few Delta files."""
    rows = checked.where(F.col("reason").isNull()).drop("reason", "detail")
    return rows.repartition(F.col("landing_date"), F.col("source"))


def known_ids(night: Night, validated: DataFrame) -> DataFrame:
    """Event ids in bronze that an acceptable line could repeat: those received since the oldest of its events.

    A copy tells the same event time, and nothing is received before it happened, so older rows need not be read.
    """
    row = validated.where(F.col("reason").isNull()).agg(F.min(F.unix_micros("event_time")).alias("oldest_us")).first()
    oldest = F.timestamp_micros(F.lit(row["oldest_us"] if row else None).cast("bigint"))
    return night.read("bronze.events").where(F.col("received_at") >= oldest).select("event_id").distinct()


def main(night: Night) -> None:
    """Read every file that is not in bronze yet; a day on which nothing landed is no error."""
    files = new_files(night)
    if not any(file.landing_date == night.ds for file in files):
        _log.warning("no new file landed in %s/%s; the night goes on without", night.landing, night.ds)
    if not files:
        return
    validated = validate(read_lines(night.spark, files), night.settings.dataset.late_days).persist()
    checked = transform(validated, known_ids(night, validated)).persist()
    try:
        merge_by_key(night.lake, "bronze.quarantine", quarantine.transform(checked), update_when=None)
        append_rows(night.lake, "bronze.events", accepted(checked))
    finally:
        checked.unpersist()
        validated.unpersist()
