"""Plan which daily snapshots a night builds, and which it builds again because of late landing files."""

import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from pyspark.sql import functions as F

from spark_jobs.night.ddl import read_schema
from spark_jobs.night.landing_reads import NONE, newest_arrival
from spark_jobs.night.night import Night
from spark_jobs.night.writers import merge_by_key

SNAPSHOTS = "gold.snapshots"

_ONE_WRITER = threading.Lock()
"""Tables are built side by side, and Delta refuses the later of two merges into one table."""


@dataclass(frozen=True)
class Plan:
    """The days of ``table`` that a night builds, from reads of the landing area up to ``batch``.

    ``late`` has, for each day that is built again, the files that cause it.
    """

    table: str
    days: list[date]
    batch: int
    late: Mapping[date, Sequence[str]]


@dataclass(frozen=True)
class Arrival:
    """A landing file with events that silver accepted in the pass up to read ``batch``; ``seen_from`` is their day."""

    source: str
    batch: int
    seen_from: date


def plan_days(night: Night, table: str) -> Plan:
    """The night's own day, and earlier days whose snapshots are missing or touched.

    The examples of the training window need the snapshots from one day before its first day. An event touches the
    snapshots from its seen day on; a late event does not change snapshots from before it was received. So a snapshot is
    touched by events of its day, or an earlier one, that silver has accepted since it was built.
    """
    first = night.ds - timedelta(days=night.settings.dataset.training_days + 1)
    window = [first + timedelta(days=offset) for offset in range((night.ds - first).days)]
    in_window = F.col("ds").between(F.lit(first), F.lit(night.ds))
    stand = {row.ds for row in night.read(table).where(in_window).select("ds").distinct().collect()}
    known = {row.day: row.batch for row in night.read(SNAPSHOTS).where(F.col("table_name") == table).collect()}
    built = {day: known.get(day, NONE) for day in window if day in stand}
    arrivals = arrivals_since(night, min(built.values(), default=NONE))
    late = touched(built, arrivals)
    if late:
        files = sorted({source for sources in late.values() for source in sources})
        print(f"{table}: again {', '.join(map(str, late))}, for {', '.join(files)}")
    days = [day for day in window if day not in built or day in late]
    return Plan(table, [*days, night.ds], max((one.batch for one in arrivals), default=newest_arrival(night)), late)


def touched(built: Mapping[date, int], arrivals: Sequence[Arrival]) -> dict[date, list[str]]:
    """The days of ``built`` (day to last read in it) that ``arrivals`` touch, with their files."""
    files = {
        day: sorted({one.source for one in arrivals if one.batch > batch and one.seen_from <= day})
        for day, batch in sorted(built.items())
    }
    return {day: sources for day, sources in files.items() if sources}


def arrivals_since(night: Night, batch: int) -> list[Arrival]:
    """Arrivals that silver accepted from reads after ``batch``."""
    rows = night.read("silver.arrivals").where(F.col("batch") > batch).select("source", "batch", "seen_from")
    return [Arrival(*row) for row in rows.collect()]


def record(night: Night, plan: Plan) -> None:
    """Record what the plan's partitions were built from, after they are written."""
    rows = [(plan.table, day, night.ds, plan.batch, list(plan.late.get(day, []))) for day in plan.days]
    frame = night.spark.createDataFrame(rows, read_schema(SNAPSHOTS))
    with _ONE_WRITER:
        merge_by_key(night.lake, SNAPSHOTS, frame, update_when="true")
