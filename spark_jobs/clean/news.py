"""What is news to the clean stage: what ingest has read since, in whatever folder, and what has waited for it.

Ingest counts its reads of the landing area; every row of bronze.events has the number of the one that brought it. The
stage ends by writing down, in silver.arrivals, how far it came. So an event is news until the stage has been through
it, and afterwards only while it is refused for something that may still come: it lies in bronze.quarantine then, and is
tried again every night. Nothing depends on the night or on the folder in which a file lay.
"""

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from spark_jobs.lake import delete_all
from spark_jobs.night import Night

NONE = -1
"""Comes before every read."""

WAITING = (
    "unknown_user",
    "unknown_page",
    "unknown_group",
    "unknown_post",
    "unknown_campaign",
    "unknown_ad",
    "withheld_post",
)
"""Reasons that end when what the event names has come."""


def news(night: Night, writer: str, *others: str) -> DataFrame:
    """Rows of bronze.events that are news to the table ``writer``; ``others`` are tables that it shares them with.

    Those that have waited in the quarantine have their reason there as ``waited``; of others it is null. Where the
    stage begins anew, the tables are emptied, and all of bronze is news.
    """
    through = newest_batch(night)
    refused = night.read("bronze.quarantine")
    if begins_anew(refused, through):
        for table in (writer, *others):
            delete_all(night.lake, table)
        delete_all(night.lake, "bronze.quarantine", F.col("writer") == writer)
        through = NONE
    fresh = since(night.read("bronze.events"), through).withColumn("waited", F.lit(None).cast("string"))
    waiting = refused.where((F.col("writer") == writer) & F.col("reason").isin(*WAITING) & F.col("is_settled").isNull())
    # Others are among the fresh ones: the pass that refused them was killed.
    waiting = waiting.where(F.col("batch").isNull() | (F.col("batch") <= through))
    return fresh.unionByName(with_times(waiting.withColumn("waited", F.col("reason"))).select(*fresh.columns))


def newest_batch(night: Night) -> int:
    """The newest read that the stage has been through; ``NONE`` in a new lake."""
    row = night.read("silver.arrivals").agg(F.max("batch").alias("newest")).first()
    return NONE if row is None or row.newest is None else int(row.newest)


def begins_anew(refused: DataFrame, through: int) -> bool:
    """Whether an event that silver took in, by read ``through``, was none after all.

    A line with the same event id, which was received earlier and says something else, has been read since. ``refused``
    is bronze.quarantine.
    """
    return not refused.where(F.col("was_event") & (F.col("batch") > through)).isEmpty()


def since(events: DataFrame, batch: int) -> DataFrame:
    """Rows of bronze.events that a later read than ``batch`` brought; from before reads were counted, for ``NONE``."""
    return events if batch == NONE else events.where(F.col("batch") > batch)


def with_times(refused: DataFrame) -> DataFrame:
    """Rows of bronze.quarantine that clean refused, with the times that they have in bronze.events."""
    told = F.from_json("raw", "event_time STRING, received_at STRING")
    at = {name: F.try_to_timestamp(F.col("told")[name]) for name in ("event_time", "received_at")}
    read = refused.withColumn("told", told).withColumns(at)
    return read.withColumn("received_at", F.greatest("received_at", "event_time"))
