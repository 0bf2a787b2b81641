"""What is news to the clean stage: what ingest has read since, in whatever folder, and what has waited for it.

Ingest counts its reads of the landing area; every row of bronze.events has the number of the one that brought it. The
stage ends by writing down, in silver.arrivals, how far it came. So an event is news until the stage has been through
it, and afterwards only while it is refused for something that may still come: it lies in bronze.quarantine then, and is
tried again every night. Nothing depends on the night or on the folder in which a file lay.
"""

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from spark_jobs.lake import delete_all
from spark_jobs.landing_reads import NONE, newest_arrival
from spark_jobs.night import Night
from spark_jobs.refused_lines import with_times

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


_PROGRESS: dict[tuple[str, int, int], tuple[int, bool]] = {}
"""What ``progress`` found last, by lake and the versions of the tables that it follows from."""


def news(night: Night, writer: str, *others: str) -> DataFrame:
    """Rows of bronze.events that are news to the table ``writer``; ``others`` are tables that it shares them with.

    Those that have waited in the quarantine have their reason there as ``waited``; of others it is null. Where the
    stage begins anew, the tables are emptied, and all of bronze is news.
    """
    through, begins_anew = progress(night)
    refused = night.read("bronze.quarantine")
    if begins_anew:
        for table in (writer, *others):
            delete_all(night.lake, table)
        delete_all(night.lake, "bronze.quarantine", F.col("writer") == writer)
    fresh = since(night.read("bronze.events"), through).withColumn("waited", F.lit(None).cast("string"))
    waiting = refused.where((F.col("writer") == writer) & F.col("reason").isin(*WAITING) & F.col("is_settled").isNull())
    # Others are among the fresh ones: the pass that refused them was killed.
    waiting = waiting.where(F.col("batch").isNull() | (F.col("batch") <= through))
    return fresh.unionByName(with_times(waiting.withColumn("waited", F.col("reason"))).select(*fresh.columns))


def progress(night: Night) -> tuple[int, bool]:
    """The newest read that the stage has been through, ``NONE`` in a new lake, and whether it begins anew.

    It does where an event that silver took in was none after all: a line with the same event id, which was received
    earlier and says something else, has been read since. All tables of a pass ask, and are told the same.
    """
    for name in ("silver.arrivals", "bronze.events"):
        night.lake.create(name)
    as_of = (night.lake.root, night.lake.version("silver.arrivals"), night.lake.version("bronze.events"))
    found = _PROGRESS.get(as_of)
    if found is None:
        through = newest_arrival(night)
        replaced = night.read("bronze.quarantine").where(F.col("was_event") & (F.col("batch") > through))
        begins_anew = not replaced.isEmpty()
        found = (NONE if begins_anew else through, begins_anew)
        _PROGRESS.clear()
        _PROGRESS[as_of] = found
    return found


def since(events: DataFrame, batch: int) -> DataFrame:
    """Rows of bronze.events that a later read than ``batch`` brought; from before reads were counted, for ``NONE``."""
    return events if batch == NONE else events.where(F.col("batch") > batch)
