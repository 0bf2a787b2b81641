"""Short rows for tests of pools: omitted columns get usual values of their table."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Any

from pyspark.sql import DataFrame, Row, SparkSession
from pyspark.sql.types import StructField

from spark_jobs.night.ddl import read_schema
from spark_jobs.night.lake import Lake
from spark_jobs.night.writers import conform
from tests.local_frames import local_frame
from tests.silver_rows import BY_USER_0

DS = date(2026, 3, 8)
AS_OF = datetime(2026, 3, 9, tzinfo=UTC)
LONG_AGO = datetime(2026, 1, 1, tzinfo=UTC)
BLANKS: dict[str, Any] = {
    "bigint": 0,
    "int": 0,
    "float": 0.0,
    "double": 1.0,
    "string": "",
    "boolean": False,
    "array<string>": [],
    "array<bigint>": [],
    "array<float>": [],
    "timestamp": LONG_AGO,
    "date": DS,
}
USUAL: dict[str, dict[str, Any]] = {
    "silver.posts": {
        **BY_USER_0,
        "source_type": "friend",
        "content_type": "status",
        "privacy": "public",
        "created_at": AS_OF - timedelta(hours=1),
        "updated_at": AS_OF - timedelta(hours=1),
        "received_at": AS_OF - timedelta(hours=1),
    },
    "gold.ranked_feeds": {
        **BY_USER_0,
        "source_type": "friend",
        "content_type": "status",
        "privacy": "public",
        "reason": "friend_posted",
        "created_at": AS_OF - timedelta(hours=1),
    },
    "gold.scored_candidates": {"author_id": 0},
    "gold.feed_candidates": {**BY_USER_0, "source_type": "friend", "created_at": AS_OF - timedelta(hours=1)},
    "gold.epochs": {"manifest": "{}", "audit": "{}", "status": "current"},
}


def hours(count: float) -> datetime:
    """That many hours before the as-of."""
    return AS_OF - timedelta(hours=count)


def frame_of(spark: SparkSession, name: str, rows: Sequence[dict[str, Any]] = ()) -> DataFrame:
    """A frame of the table's schema."""
    schema = read_schema(name)
    for row in rows:
        unknown = set(row) - set(schema.names)
        assert not unknown, f"{name} has no {unknown}"
    return local_frame(spark, schema, [tuple(_value(name, field, row) for field in schema) for row in rows])


def _value(name: str, field: StructField, row: dict[str, Any]) -> Any:
    if field.name in row:
        return row[field.name]
    if field.name in USUAL.get(name, {}):
        return USUAL[name][field.name]
    return None if field.nullable else BLANKS[field.dataType.simpleString()]


@dataclass(frozen=True)
class MemoryLake(Lake):
    """A lake whose tables are rows in memory, to test a rule without writing Delta."""

    rows: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    written: list[Row] = field(default_factory=list)

    def read(self, name: str, version: int | None = None) -> DataFrame:
        """The table's rows, or an empty frame of its schema."""
        del version
        return frame_of(self.spark, name, self.rows.get(name, []))

    def exists(self, name: str) -> bool:
        """Whether the test gives the table rows."""
        return name in self.rows

    def create(self, name: str) -> None:
        """Nothing to create."""

    def version(self, name: str) -> int:
        """A memory lake has one version."""
        del name
        return 0


def keep(lake: MemoryLake, name: str, frame: DataFrame, days: Sequence[date]) -> None:
    """Stand in for ``write_partition``."""
    conform(lake, name, frame)
    assert list(days) == [DS]
    lake.written[:] = frame.collect()


def put(lake: Lake, name: str, rows: Sequence[dict[str, Any]]) -> None:
    """Replace the table's content."""
    lake.create(name)
    mode = "overwrite" if lake.was_written(name) else "append"  # an overwrite reads the files of the table first
    frame_of(lake.spark, name, rows).write.format("delta").mode(mode).save(lake.path(name))
