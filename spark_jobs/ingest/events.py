"""bronze.events: each landed event as landed, exactly once; grain: event_id.

The job merges refused lines into bronze.quarantine, then appends all accepted lines in one commit, then records in
bronze.files what was read. After a kill anywhere, the files still count as new: the rerun merges the same refusals and
skips lines that are already in bronze.events.
"""

import logging

from pyspark import StorageLevel
from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from contracts.landing import MAX_CLOCK_SKEW_S
from contracts.settings import Dataset
from spark_jobs.ingest import files, quarantine
from spark_jobs.ingest.copies import PLACE, acceptable, find_copies, known_copies, repeated_ids
from spark_jobs.ingest.erased_lines import refuse_erased
from spark_jobs.ingest.landing_files import read_lines
from spark_jobs.ingest.validation import validate
from spark_jobs.night.gate.gate import gated_days
from spark_jobs.night.night import Night
from spark_jobs.night.session import size_shuffles
from spark_jobs.night.writers import append_rows, delete_by_key, merge_by_key
from spark_jobs.rules.refused_lines import DIFFERS

TIMES_AS_LONG = 4
"""A landed line has about this many times the bytes that shuffles keep of it."""

_log = logging.getLogger(__name__)


def transform(lines: DataFrame, copies: DataFrame) -> DataFrame:
    """The new lines, with ``reason`` and ``detail`` if they are refused.

    ``lines`` are validated; ``copies`` are those of ``find_copies``, whose lines in bronze.events are left out.
    """
    choices = copies.select(*PLACE, "is_event", "is_in_bronze", F.col("detail").alias("first"))
    judged = lines.join(choices, on=list(PLACE), how="left").where(~F.coalesce("is_in_bronze", F.lit(col=False)))
    is_copy = ~F.coalesce("is_event", F.lit(col=True))
    return judged.select(
        *(column for column in lines.columns if column not in {"reason", "detail"}),
        F.when(is_copy, F.lit("duplicate_event")).otherwise(F.col("reason")).alias("reason"),
        F.when(is_copy, F.col("first")).otherwise(F.col("detail")).alias("detail"),
    )


def refused(checked: DataFrame, copies: DataFrame, batch: int) -> DataFrame:
    """Rows of bronze.quarantine: refused lines, and lines of bronze.events that another event now replaces.

    The replaced lines get this ``batch``.
    """
    lines = checked.where(F.col("reason").isNotNull()).withColumn("was_event", F.lit(None).cast("boolean"))
    known = copies.where(~F.col("is_new") & ~F.col("is_event")).withColumns(
        {
            "reason": F.lit("duplicate_event"),
            "batch": F.when(F.col("is_in_bronze"), F.lit(batch)).otherwise(F.col("batch")),
            "was_event": F.when(F.col("was_event"), F.lit(col=True)),
        }
    )
    return quarantine.transform(lines.unionByName(known.select(*lines.columns)))


def accepted(checked: DataFrame) -> DataFrame:
    """Rows of bronze.events: the lines without a reason."""
    return acceptable(checked).drop("reason", "detail")


def repeatable(lines: DataFrame, days_back: int) -> Column:
    """Whether an acceptable line could repeat the event id of a row of bronze.events or bronze.quarantine.

    A copy with the same event time is found however old it is, because nothing lands before the day on which it
    happened, clock skew aside. An id that is used again for another event is found if the first landed at most
    ``days_back`` days before; older rows are not read.
    """
    copied = F.to_date(F.min("event_time") - F.make_dt_interval(secs=F.lit(MAX_CLOCK_SKEW_S)))
    reused = F.date_sub(F.min("landing_date"), days_back)
    row = acceptable(lines).agg(F.least(copied, reused).alias("oldest")).first()
    oldest = F.lit(row["oldest"] if row else None).cast("date")
    return F.col("landing_date") >= oldest


def days_of_reuse(dataset: Dataset) -> int:
    """Days after landing in which an event id cannot be used again; gates look this far back for repeated keys.

    Gates of silver compare event days, and of two events of one day, one may land ``late_days`` after the other.
    """
    return gated_days(dataset) + dataset.late_days


def main(night: Night) -> None:
    """Read what landed since the last read; a day without new files is no error."""
    news = files.find_news(night)
    if not any(part.landing_date == night.ds for part in news.parts):
        _log.warning("nothing new landed in %s/%s; the night goes on without", night.landing, night.ds)
    if news.parts:
        read(night, news)
    files.record(night, news)


def read(night: Night, news: files.News) -> None:
    """Write the lines of the parts to bronze.events and bronze.quarantine."""
    size_shuffles(night.spark, sum(part.num_bytes - part.start for part in news.parts) // TIMES_AS_LONG)
    validated = validate(read_lines(night.spark, news.parts), night.settings.dataset.late_days)
    # Three passes read it; in memory, a large day would leave no room for anything else.
    validated = validated.persist(StorageLevel.DISK_ONLY)
    lines = refuse_erased(night, validated).withColumn("batch", F.lit(news.batch).cast("bigint"))
    days = days_of_reuse(night.settings.dataset)
    is_repeatable = repeatable(lines, days)
    bronze = night.read("bronze.events").where(is_repeatable)
    before = known_copies(night.read("bronze.quarantine").where(is_repeatable))
    ids = repeated_ids(lines, bronze.select("event_id").unionByName(before.select("event_id"))).persist()
    copies = find_copies(lines, bronze, before, ids, days).persist()
    try:
        # Now Spark knows their size: few repeats are broadcast, and the lines are not shuffled.
        ids.count()
        copies.count()
        checked = transform(lines, copies)
        rows = refused(checked, copies, news.batch)
        replaced = copies.where(F.col("is_in_bronze") & ~F.col("is_event")).select("landing_date", *PLACE)
        is_any_replaced = not replaced.isEmpty()
        if is_any_replaced:  # clean's refusals of replaced events are obsolete too
            delete_by_key(night.lake, "bronze.quarantine", replaced)
        merge_by_key(night.lake, "bronze.quarantine", rows, update_when=DIFFERS)
        if is_any_replaced:
            delete_by_key(night.lake, "bronze.events", replaced)
        # Sorted by type within each file, so that a reader of some types skips the pages of the others.
        append_rows(night.lake, "bronze.events", accepted(checked).sortWithinPartitions("event_type"))
    finally:
        copies.unpersist()
        ids.unpersist()
        validated.unpersist()
