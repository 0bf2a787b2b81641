"""``gold.epochs`` as a publish sees it: one row per epoch, brought in line with the pointer before anything else.

The table holds one row per night, so it is read into Python.
"""

from collections.abc import Iterable
from dataclasses import asdict, dataclass, replace
from datetime import UTC, date, datetime

from pyspark.sql import functions as F

from contracts.epochs import Pointer
from spark_jobs.ddl import read_schema
from spark_jobs.lake import Lake, merge_by_key

TABLE = "gold.epochs"
UNFINISHED = ("building", "built")
LIVE = ("current", "previous")


@dataclass(frozen=True)
class EpochRow:
    """One row of ``gold.epochs``; ``manifest`` and ``audit`` are JSON."""

    epoch: int
    ds: date
    status: str
    manifest: str
    audit: str
    created_at: datetime
    updated_at: datetime


def read_rows(lake: Lake) -> list[EpochRow]:
    """Every epoch, oldest first."""
    return [EpochRow(**row.asDict()) for row in lake.read(TABLE).orderBy("epoch").collect()]


def record(lake: Lake, rows: Iterable[EpochRow]) -> None:
    """Insert or update ``rows`` by epoch, in one commit."""
    updated = [asdict(replace(row, updated_at=datetime.now(UTC))) for row in rows]
    if updated:
        frame = lake.spark.createDataFrame(updated, read_schema(TABLE))
        merge_by_key(lake, TABLE, frame, update_when="true")


def start(lake: Lake, ds: date, pointer: Pointer | None, manifest: str, audit: str) -> EpochRow:
    """Allocate the next epoch number, above every number ever used, and record it as ``building``."""
    used = [row.epoch for row in read_rows(lake)] + ([] if pointer is None else [pointer.stable])
    now = datetime.now(UTC)
    row = EpochRow(max(used, default=0) + 1, ds, "building", manifest, audit, now, now)
    record(lake, [row])
    return row


def status_of(lake: Lake, epoch: int) -> str | None:
    """The recorded status of one epoch."""
    row = lake.read(TABLE).where(F.col("epoch") == epoch).select("status").first()
    return None if row is None else str(row[0])


def live_day(rows: Iterable[EpochRow], pointer: Pointer | None) -> date | None:
    """The newest night that is live: the pointer's, or what is recorded as current where Redis lost its pointer."""
    stable = None if pointer is None else pointer.stable
    return max((row.ds for row in rows if row.epoch == stable or row.status == "current"), default=None)


def in_line_with(pointer: Pointer | None, rows: Iterable[EpochRow]) -> list[EpochRow]:
    """The rows whose status the pointer contradicts, corrected.

    What the pointer names is current or previous; what was live before is ``retired``; what never became live is
    ``bad`` for good. ``rolled_back`` rows stay so.
    """
    stable, previous = (None, None) if pointer is None else (pointer.stable, pointer.previous)
    corrected = []
    for row in rows:
        status = row.status
        if row.epoch == stable:
            status = "current"
        elif row.epoch == previous and row.status in (*UNFINISHED, *LIVE):
            status = "previous"
        elif row.status in UNFINISHED:
            status = "bad"
        elif row.status in LIVE:
            status = "retired"
        if status != row.status:
            corrected.append(replace(row, status=status))
    return corrected
