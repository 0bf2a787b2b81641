"""``gold.epochs`` without Spark, as it was before it had a column for rollbacks."""

from datetime import UTC, date, datetime
from pathlib import Path

from deltalake import DeltaTable, Field, Schema

from spark_jobs.publish import ledger
from spark_jobs.publish.ledger import EpochRow

AT = datetime(2026, 3, 9, 3, tzinfo=UTC)
_TYPES = {"epoch": "long", "ds": "date", "created_at": "timestamp", "updated_at": "timestamp"}


def epoch_row(epoch: int, status: str, day: int = 8, manifest: str = '{"users": 1}') -> EpochRow:
    return EpochRow(epoch, date(2026, 3, day), status, manifest, "{}", AT, AT)


def epoch_table(lake: Path, *rows: EpochRow) -> str:
    """Make the table under ``lake`` with these rows; returns where it lies."""
    path = str(lake / ledger.TABLE.replace(".", "/"))
    names = [name for name in EpochRow.__annotations__ if name != "rollback"]
    DeltaTable.create(path, Schema([Field(name, _TYPES.get(name, "string"), nullable=False) for name in names]))
    ledger.record(path, rows)
    return path


def statuses(path: str) -> dict[int, str]:
    return {row.epoch: row.status for row in ledger.read_rows(path)}
