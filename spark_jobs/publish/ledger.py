"""Read and write ``gold.epochs`` for publish and rollback: one row per epoch, which follows the pointer.

It works without Spark, so that a rollback takes seconds. The table has one row per publish, so it is read whole.
"""

from collections.abc import Iterable
from dataclasses import asdict, dataclass, replace
from datetime import UTC, date, datetime
from typing import Any, Literal

import pyarrow as pa
from deltalake import Field, QueryBuilder
from deltalake.exceptions import CommitFailedError

from contracts.epoch_status import LOADING, ROLLED_BACK, STATUSES, fate_of, role_of, withdrawn
from contracts.places import Location, Place
from contracts.pointer import Pointer
from storage.delta import open_table
from storage.leases import leases_of_process

TABLE = "gold.epochs"
Existing = Literal["kept", "corrected", "replaced"]
_ATTEMPTS = 5
_MAY_CHANGE = f"old.status <> '{ROLLED_BACK}'"
_CORRECTED = ("status", "updated_at")


@dataclass(frozen=True)
class EpochRow:
    """One row of ``gold.epochs``; ``manifest``, ``audit`` and ``rollback`` are JSON."""

    epoch: int
    ds: date
    status: str
    manifest: str
    audit: str
    created_at: datetime
    updated_at: datetime
    rollback: str | None = None


_TYPES: dict[Any, Any] = {int: pa.int64(), date: pa.date32(), datetime: pa.timestamp("us", tz="UTC")}
_SCHEMA = pa.schema(
    [
        pa.field(name, _TYPES.get(kind, pa.string()), nullable=name == "rollback")
        for name, kind in EpochRow.__annotations__.items()
    ]
)


def read_rows(path: Location) -> list[EpochRow]:
    """Every epoch of the table at ``path``, oldest first."""
    rows = QueryBuilder().register("epochs", open_table(path)).execute("SELECT * FROM epochs ORDER BY epoch").read_all()
    return [EpochRow(**row) for row in pa.table(rows).to_pylist()]


def record(path: Location, rows: Iterable[EpochRow]) -> None:
    """Insert or update ``rows`` by epoch, in one commit; a rolled-back row never changes."""
    _write(path, rows, existing="replaced")


def correct(path: Location, rows: Iterable[EpochRow]) -> None:
    """Change statuses to those of ``rows``, and nothing else: a publish may have added a manifest meanwhile."""
    _write(path, rows, existing="corrected")


def _write(path: Location, rows: Iterable[EpochRow], *, existing: Existing) -> int:
    """Insert ``rows``, and do that to those which exist; returns how many are new."""
    updated = [asdict(replace(row, updated_at=datetime.now(UTC))) for row in rows]
    if not updated:
        return 0
    source = pa.Table.from_pylist(updated, schema=_SCHEMA)
    leases, place = leases_of_process(), Place.parse(path)
    with leases.writing(place):
        num_new = _merge(path, source, existing=existing)
    leases.release(place)  # a rollback may come while a publish is at work
    return num_new


def _merge(path: Location, source: pa.Table, *, existing: Existing) -> int:
    for attempt in range(1, _ATTEMPTS + 1):
        table = open_table(path)
        if "rollback" not in {column.name for column in table.schema().fields}:
            # The table is older than rollbacks; the column is nullable, as `Lake.create` would add it.
            table.alter.add_columns(Field("rollback", "string", nullable=True))
        merge = table.merge(source, "old.epoch = new.epoch", source_alias="new", target_alias="old")
        if existing == "replaced":
            merge = merge.when_matched_update_all(_MAY_CHANGE)
        elif existing == "corrected":
            merge = merge.when_matched_update({name: f"new.{name}" for name in _CORRECTED}, _MAY_CHANGE)
        try:
            return int(merge.when_not_matched_insert_all().execute()["num_target_rows_inserted"])
        except CommitFailedError:
            # Two processes may write at the same moment, such as a publish and a rollback; the later one reads again.
            if attempt == _ATTEMPTS:
                raise
    raise AssertionError("the last attempt returns or raises")


def start(path: Location, ds: date, pointer: Pointer | None, manifest: str, audit: str) -> EpochRow:
    """Allocate the next epoch number, above every number ever used, and record it as being built.

    Of two publishes that start at once each has its own number: with one number, both would write the same keys.
    """
    while True:
        used = [*(row.epoch for row in read_rows(path)), *(pointer.named if pointer else ())]
        now = datetime.now(UTC)
        row = EpochRow(max(used, default=0) + 1, ds, LOADING, manifest, audit, now, now)
        if _write(path, [row], existing="kept"):
            return row


def status_of(path: Location, epoch: int) -> str | None:
    """The recorded status of one epoch."""
    return next((row.status for row in read_rows(path) if row.epoch == epoch), None)


def rolled_back(rows: Iterable[EpochRow]) -> set[int]:
    """Epochs that must never be served again."""
    return {row.epoch for row in rows if row.status == ROLLED_BACK}


def live_day(rows: Iterable[EpochRow], pointer: Pointer | None) -> date | None:
    """The newest night that is served, by the pointer; if Redis lost it, by the recorded statuses."""
    rows = list(rows)
    good = None if pointer is None else withdrawn(pointer, rolled_back(rows), 0.0)
    served = () if good is None else (good.stable, good.canary.epoch if good.canary else None)
    return max((row.ds for row in rows if row.epoch in served or STATUSES[row.status].is_served), default=None)


def in_line_with(pointer: Pointer | None, rows: Iterable[EpochRow], *, may_be_at_work: bool) -> list[EpochRow]:
    """The corrected rows, of those whose status contradicts the pointer; ``may_be_at_work`` as in ``fate_of``."""
    fates = ((row, fate_of(row.status, role_of(row.epoch, pointer), may_be_at_work=may_be_at_work)) for row in rows)
    return [replace(row, status=str(fate.status)) for row, fate in fates if fate.status != row.status]
