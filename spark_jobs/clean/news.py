"""What is news to the clean stage: what ingest has read since, in whatever folder, and what has waited for it.

Ingest counts its reads of the landing area; every row of bronze.events has the number of the one that brought it. The
stage ends by writing down, in silver.arrivals, how far it came. So an event is news until the stage has been through
it, and afterwards only while it is refused for something that may still come: it lies in bronze.quarantine then, and is
tried again every night. Nothing depends on the night or on the folder in which a file lay.
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
"""Reasons that end when what the event names has come."""


@dataclass(frozen=True)
class Progress:
    """How far the stage has come: ``through`` is the newest read that it has been through, ``NONE`` in a new lake.

    ``begins_anew`` is true where an event that silver took in was none after all: a line with the same event id, which
    was received earlier and says something else, has been read since. ``event_types`` are those of later reads,
    ``waiting`` the tables that have refused events waiting.
    """

    through: int
    begins_anew: bool
    event_types: frozenset[str]
    waiting: frozenset[str]


_PROGRESS: dict[tuple[str, int, int], Progress] = {}
"""What ``progress`` found last, by lake and the versions of the tables that it follows from."""


def typed_news(night: Night, writer: str, *event_types: str) -> DataFrame | None:
    """The news of the given types for the table ``writer``, typed; ``None`` where there is none, which spares its job.

    A merge of no rows would cost as much planning as one of some.
    """
    return typed_events(news(night, writer), *event_types) if has_news(night, writer, *event_types) else None


def has_news(night: Night, writer: str, *event_types: str) -> bool:
    """Whether events of the given types may be news to the table ``writer``."""
    found = progress(night)
    return found.begins_anew or writer in found.waiting or not found.event_types.isdisjoint(event_types)


def news(night: Night, writer: str, *others: str) -> DataFrame:
    """Rows of bronze.events that are news to the table ``writer``; ``others`` are tables that it shares them with.

    Those that have waited in the quarantine have their reason there as ``waited``; of others it is null. Where the
    stage begins anew, the tables are emptied, and all of bronze is news.
    """
    found = progress(night)
    refused = night.read("bronze.quarantine")
    if found.begins_anew:
        for table in (writer, *others):
            delete_all(night.lake, table)
        delete_all(night.lake, "bronze.quarantine", F.col("writer") == writer)
    fresh = since(night.read("bronze.events"), found.through).withColumn("waited", F.lit(None).cast("string"))
    waiting = _waiting(refused, found.through).where(F.col("writer") == writer)
    return fresh.unionByName(with_times(waiting.withColumn("waited", F.col("reason"))).select(*fresh.columns))


def _waiting(refused: DataFrame, through: int) -> DataFrame:
    """Refused events that are tried again."""
    waiting = refused.where(F.col("reason").isin(*WAITING) & F.col("is_settled").isNull())
    # Others are among the fresh ones: the pass that refused them was killed.
    return waiting.where(F.col("batch").isNull() | (F.col("batch") <= through))


def progress(night: Night) -> Progress:
    """How far the stage has come. All tables of a pass ask, and are told the same."""
    for name in ("silver.arrivals", "bronze.events"):
        night.lake.create(name)
    as_of = (night.lake.root, night.lake.version("silver.arrivals"), night.lake.version("bronze.events"))
    found = _PROGRESS.get(as_of)
    if found is None:
        through = newest_arrival(night)
        refused = night.read("bronze.quarantine")
        begins_anew = not refused.where(F.col("was_event") & (F.col("batch") > through)).isEmpty()
        through = NONE if begins_anew else through
        kinds = since(night.read("bronze.events"), through).select("event_type").distinct().collect()
        writers = _waiting(refused, through).select("writer").distinct().collect()
        found = Progress(through, begins_anew, *(frozenset(row[0] for row in rows) for rows in (kinds, writers)))
        _PROGRESS.clear()
        _PROGRESS[as_of] = found
    return found


def since(events: DataFrame, batch: int) -> DataFrame:
    """Rows of bronze.events that a later read than ``batch`` brought; from before reads were counted, for ``NONE``."""
    return events if batch == NONE else events.where(F.col("batch") > batch)
