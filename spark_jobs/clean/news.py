"""The news of the clean stage: events that ingest has read since its last pass, and refused events that are retried.

Ingest numbers its reads of the landing area; every row of bronze.events has the number of its read. At its end the
stage records in silver.arrivals the newest read that it has processed. So an event is news until the stage has
processed it. After that it is news only while it waits in bronze.quarantine for a reference that may still arrive: it
is retried every night. Nothing depends on the night or on the folder of a file.
"""

from dataclasses import dataclass

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from spark_jobs.clean.typed_events import typed_events
from spark_jobs.night.landing_reads import NONE, newest_arrival
from spark_jobs.night.night import Night
from spark_jobs.night.writers import delete_all
from spark_jobs.rules.refused_lines import with_times

WAITING = (
    "unknown_user",
    "unknown_page",
    "unknown_group",
    "unknown_post",
    "unknown_campaign",
    "unknown_ad",
    "withheld_post",
)
"""Refusal reasons that end when the missing reference arrives."""


@dataclass(frozen=True)
class Progress:
    """The progress of the stage: ``through`` is the newest read that it has processed, ``NONE`` in a new lake.

    ``begins_anew`` is true if an event in silver has been replaced: ingest has since read another line with the same
    event id, received earlier and with other content. ``event_types`` are those of later reads, ``waiting`` the tables
    with refused events that are retried.
    """

    through: int
    begins_anew: bool
    event_types: frozenset[str]
    waiting: frozenset[str]


_PROGRESS: dict[tuple[str, int, int], Progress] = {}
"""Cache of ``progress``, by lake and versions of the tables that it reads."""


def typed_news(night: Night, writer: str, *event_types: str) -> DataFrame | None:
    """The typed news of the given types for the table ``writer``; ``None`` if there is none, so that its job can stop.

    Merging no rows costs as much planning as merging some.
    """
    return typed_events(news(night, writer), *event_types) if has_news(night, writer, *event_types) else None


def has_news(night: Night, writer: str, *event_types: str) -> bool:
    """Whether there may be news of the given types for the table ``writer``."""
    done = progress(night)
    return done.begins_anew or writer in done.waiting or not done.event_types.isdisjoint(event_types)


def news(night: Night, writer: str, *others: str) -> DataFrame:
    """Rows of bronze.events that are news for the table ``writer``; ``others`` are tables that share these events.

    ``waited`` is the reason of a row that waited in the quarantine, else null. If the stage starts over, the tables are
    emptied and all of bronze is news.
    """
    done = progress(night)
    refused = night.read("bronze.quarantine")
    if done.begins_anew:
        for table in (writer, *others):
            delete_all(night.lake, table)
        delete_all(night.lake, "bronze.quarantine", F.col("writer") == writer)
    fresh = since(night.read("bronze.events"), done.through).withColumn("waited", F.lit(None).cast("string"))
    waiting = _waiting(refused, done.through).where(F.col("writer") == writer)
    return fresh.unionByName(with_times(waiting.withColumn("waited", F.col("reason"))).select(*fresh.columns))


def _waiting(refused: DataFrame, through: int) -> DataFrame:
    """Refused events that are tried again."""
    waiting = refused.where(F.col("reason").isin(*WAITING) & F.col("is_settled").isNull())
    # Rows of a later read are from a pass that was killed; they are among the fresh events.
    return waiting.where(F.col("batch").isNull() | (F.col("batch") <= through))


def progress(night: Night) -> Progress:
    """The progress of the stage, the same for all tables of a pass."""
    for name in ("silver.arrivals", "bronze.events"):
        night.lake.create(name)
    as_of = (night.lake.root, night.lake.version("silver.arrivals"), night.lake.version("bronze.events"))
    known = _PROGRESS.get(as_of)
    if known is None:
        through = newest_arrival(night)
        refused = night.read("bronze.quarantine")
        begins_anew = not refused.where(F.col("was_event") & (F.col("batch") > through)).isEmpty()
        through = NONE if begins_anew else through
        kinds = since(night.read("bronze.events"), through).select("event_type").distinct().collect()
        writers = _waiting(refused, through).select("writer").distinct().collect()
        known = Progress(through, begins_anew, *(frozenset(row[0] for row in rows) for rows in (kinds, writers)))
        _PROGRESS.clear()
        _PROGRESS[as_of] = known
    return known


def since(events: DataFrame, batch: int) -> DataFrame:
    """Rows of bronze.events of reads after ``batch``; for ``NONE``, also rows from before reads were numbered."""
    return events if batch == NONE else events.where(F.col("batch") > batch)
