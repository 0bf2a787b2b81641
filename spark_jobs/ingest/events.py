"""bronze.events: each landed event as landed, exactly once; grain: event_id.

Refused lines are merged into bronze.quarantine first, then the accepted lines of all new files are appended in one
commit. A run killed between the two leaves its files new; the rerun merges the same refusals (insert-only) and appends.
"""

import logging

from pyspark import StorageLevel
from pyspark.sql import DataFrame, Window
from pyspark.sql import functions as F

from contracts.landing import MAX_CLOCK_SKEW_S
from contracts.settings import Dataset
from spark_jobs.gate import gated_days
from spark_jobs.ingest import quarantine
from spark_jobs.ingest.erased_lines import refuse_erased
from spark_jobs.ingest.landing_files import new_files, read_lines
from spark_jobs.ingest.validation import validate
from spark_jobs.lake import append_rows, merge_by_key
from spark_jobs.night import Night
from spark_jobs.session import size_shuffles

TIMES_AS_LONG = 4
"""A landed line is this many times as long as what shuffles keep of it."""

_log = logging.getLogger(__name__)


def repeated_ids(validated: DataFrame, known: DataFrame) -> DataFrame:
    """Hashes of event ids that several acceptable lines have, or a line and ``known``; column ``id_hash``, distinct.

    Few ids repeat. Counting hashes of 64 bits finds all that do, and costs a fraction of putting all ids in order. An
    id that ``known`` alone holds more than once is among them too, and is no line's.
    """
    ids = acceptable(validated).select("event_id").unionByName(known)
    return ids.groupBy(F.xxhash64("event_id").alias("id_hash")).count().where(F.col("count") > 1).select("id_hash")


def repeated_lines(validated: DataFrame, known: DataFrame, ids: DataFrame) -> DataFrame:
    """Acceptable lines whose event is there already; columns ``source``, ``line``; ``validated`` as ``validate`` gives.

    Of several acceptable lines with one event id, the one received first is the event (then by source and line), and
    none is where ``known`` (column ``event_id``) holds the id. ``ids`` are the ``repeated_ids``: of ``known``, which
    holds every event of many days, only these few are looked at.
    """
    hashed = acceptable(validated).select("event_id", "received_at", "source", "line")
    is_repeated = F.xxhash64("event_id") == F.col("id_hash")
    copies = hashed.join(ids, is_repeated, "left_semi")
    copy = F.row_number().over(Window.partitionBy("event_id").orderBy("received_at", "source", "line"))
    in_bronze = known.join(ids, is_repeated, "left_semi").distinct().withColumn("is_known", F.lit(col=True))
    counted = copies.withColumn("copy", copy).join(in_bronze, on="event_id", how="left")
    return counted.where((F.col("copy") > 1) | F.col("is_known")).select("source", "line")


def acceptable(validated: DataFrame) -> DataFrame:
    """Lines that break no rule of their own."""
    return validated.where(F.col("reason").isNull())


def transform(validated: DataFrame, repeated: DataFrame) -> DataFrame:
    """Every line, with the reason and detail of its refusal where it is refused, repeated ones as duplicate_event."""
    lines = validated.join(repeated.withColumn("is_repeated", F.lit(col=True)), on=["source", "line"], how="left")
    return lines.select(
        *(column for column in validated.columns if column not in {"reason", "detail"}),
        F.when(F.col("is_repeated"), F.lit("duplicate_event")).otherwise(F.col("reason")).alias("reason"),
        F.when(F.col("is_repeated"), F.concat(F.lit("event_id="), "event_id"))
        .otherwise(F.col("detail"))
        .alias("detail"),
    )


def accepted(checked: DataFrame) -> DataFrame:
    """Rows of bronze.events: the lines without a reason."""
    return checked.where(F.col("reason").isNull()).drop("reason", "detail")


def known_ids(bronze: DataFrame, validated: DataFrame, days_back: int) -> DataFrame:
    """Event ids of ``bronze`` that an acceptable line could repeat; column ``event_id``, once for each row.

    A copy of an event, which tells the same event time, is found however old it is: nothing lands before the day on
    which it happened, but for the skew of a clock. An id that is used again for another event is found where the first
    landed at most ``days_back`` days before; older rows are not read.
    """
    copied = F.to_date(F.min("event_time") - F.make_dt_interval(secs=F.lit(MAX_CLOCK_SKEW_S)))
    reused = F.date_sub(F.min("landing_date"), days_back)
    row = acceptable(validated).agg(F.least(copied, reused).alias("oldest")).first()
    oldest = F.lit(row["oldest"] if row else None).cast("date")
    return bronze.where(F.col("landing_date") >= oldest).select("event_id")


def days_of_reuse(dataset: Dataset) -> int:
    """For so many days after it landed an event id cannot be used again: so far back gates look for repeated keys.

    Silver's look at when events happened, and of two of one day one may land ``late_days`` after the other.
    """
    return gated_days(dataset) + dataset.late_days


def main(night: Night) -> None:
    """Read every file that is not in bronze yet; a day on which nothing landed is no error."""
    files = new_files(night)
    if not any(file.landing_date == night.ds for file in files):
        _log.warning("no new file landed in %s/%s; the night goes on without", night.landing, night.ds)
    if not files:
        return
    size_shuffles(night.spark, sum(file.num_bytes for file in files) // TIMES_AS_LONG)
    validated = validate(read_lines(night.spark, files), night.settings.dataset.late_days)
    # Three passes read it; in memory, a day of many users would leave no room for anything else.
    validated = validated.persist(StorageLevel.DISK_ONLY)
    lines = refuse_erased(night, validated)
    known = known_ids(night.read("bronze.events"), lines, days_of_reuse(night.settings.dataset))
    ids = repeated_ids(lines, known).persist()
    repeated = repeated_lines(lines, known, ids).persist()
    try:
        # Now their sizes are known: few repeats are broadcast, and the lines stay where they are.
        ids.count()
        repeated.count()
        checked = transform(lines, repeated)
        merge_by_key(night.lake, "bronze.quarantine", quarantine.transform(checked), update_when=None)
        # By type within each file, so that a reader of some types skips the pages of the others.
        append_rows(night.lake, "bronze.events", accepted(checked).sortWithinPartitions("event_type"))
    finally:
        repeated.unpersist()
        ids.unpersist()
        validated.unpersist()
