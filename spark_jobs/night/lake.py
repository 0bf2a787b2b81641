"""The lake: locations of its Delta tables, reads of tables and of their logs (``writers`` write them)."""

import json
import threading
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from delta.tables import DeltaTable
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F
from pyspark.sql.types import StructType

from contracts.pipeline import BY_NAME
from contracts.pipeline.table import Report, Table
from contracts.places import Place, table_below
from spark_jobs.night.ddl import additions, column_ddl, loosened, read_schema
from spark_jobs.night.session import reach_s3
from storage.leases import Leases, leases_of_process

ROW_METRICS = {
    "numOutputRows": 1,
    "numUpdatedRows": 1,
    "num_added_rows": 1,
    "numTargetRowsCopied": -1,
    "numCopiedRows": -1,
}
"""Row counts in a commit's metrics, each with its sign in the number of rows written."""

FEW_FILES = 256
"""Up to this many files of a table are listed once per version; Delta filters longer lists, with Spark jobs."""

_ONE_CREATOR = threading.Lock()
"""Two tables of a stage may be the first to read a third; ``createIfNotExists`` is not safe against itself."""


@dataclass(frozen=True)
class Lake:
    """A lake: a Spark session and the location that holds ``<layer>/<table>``."""

    spark: SparkSession
    root: str
    building: Table | Report | None = field(default=None, kw_only=True)
    """The output whose job reads this lake: undeclared tables are refused. None: every table can be read."""

    _conforming: set[str] = field(default_factory=set, repr=False, compare=False, kw_only=True)
    """Tables whose columns have been compared with their DDL: once per lake and process is enough."""

    _with_rows: set[str] = field(default_factory=set, repr=False, compare=False, kw_only=True)
    """Tables that are known to have had rows."""

    _files: dict[str, tuple[int, Any]] = field(default_factory=dict, repr=False, compare=False, kw_only=True)
    """Version and files of the tables with few files that have been read."""

    leases: Leases = field(default_factory=leases_of_process, repr=False, compare=False, kw_only=True)
    """On S3, one writer per table."""

    def __post_init__(self) -> None:
        """Configure S3 in the session if the lake is on S3."""
        if self.place.is_s3:
            reach_s3(self.spark)

    @property
    def place(self) -> Place:
        """The root, for readers and writers other than Spark."""
        return Place.parse(self.root)

    def place_of(self, name: str) -> Place:
        """The place of the table ``layer.name``; an unknown name raises ``ValueError``."""
        if name not in BY_NAME:
            raise ValueError(f"unknown table {name!r}; tables are listed in contracts/pipeline")
        return table_below(self.place, name)

    def path(self, name: str) -> str:
        """The location of the table ``layer.name`` for Spark."""
        return self.place_of(name).for_spark

    @contextmanager
    def writing(self, name: str) -> Iterator[None]:
        """The context of every write to a table: on S3 other writers are refused until this process ends."""
        with self.leases.writing(self.place_of(name)):
            yield

    def exists(self, name: str) -> bool:
        """Whether the table has been created."""
        return bool(DeltaTable.isDeltaTable(self.spark, self.path(name)))

    def create(self, name: str) -> None:
        """Create the table from ``sql/<layer>/<name>/ddl.sql``, or change an existing one to match it.

        Missing nullable columns are added, and a column that is nullable in the DDL becomes nullable.
        Any other difference raises ``ValueError`` with table, column, old and new type.
        """
        if name in self._conforming:
            return
        with _ONE_CREATOR:
            if self.exists(name):
                self._evolve(name)
            else:
                self._create(name)
            self._conforming.add(name)

    def _create(self, name: str) -> None:
        builder = DeltaTable.createIfNotExists(self.spark).location(self.path(name)).addColumns(read_schema(name))
        if (column := BY_NAME[name].partition) is not None:
            builder = builder.partitionedBy(column)
        with self.writing(name):
            builder.execute()

    def _evolve(self, name: str) -> None:
        # The reader reports every column as nullable; the log has the truth.
        existing, declared = self._schema_in_log(name), read_schema(name)
        changes = [f"ALTER COLUMN {column} DROP NOT NULL" for column in loosened(existing, declared)]
        if added := additions(name, existing, declared):
            changes.insert(0, f"ADD COLUMNS ({', '.join(column_ddl(column) for column in added)})")
        for change in changes:
            with self.writing(name):
                self.spark.sql(f"ALTER TABLE delta.`{self.path(name)}` {change}")

    def _schema_in_log(self, name: str) -> StructType:
        _, snapshot = self.log(name)
        schema = StructType.fromJson(json.loads(snapshot.metadata().schemaString()))
        assert isinstance(schema, StructType)
        return schema

    def read(self, name: str, version: int | None = None) -> DataFrame:
        """The newest snapshot of the table, or an empty frame of its schema; ``version`` reads an older snapshot.

        A table without rows is an empty relation for the planner, so that it drops joins with it. Raises ``ValueError``
        for a table that the current job has not declared.
        """
        if self.building is not None and name not in self.building.readable:
            job = self.building.full_name
            raise ValueError(f"the job of {job} reads {name}, which contracts/pipeline does not list for it")
        reader = self.spark.read.format("delta")
        if not self.was_written(name):
            return reader.load(self.path(name)).where(F.lit(col=False))
        log, snapshot, files = self._few_files(name)
        if files is None or version not in (None, snapshot.version()):
            return (reader if version is None else reader.option("versionAsOf", version)).load(self.path(name))
        # Delta would filter the list of files in each query: two Spark jobs and generated code, a second of CPU time.
        frame = log.createDataFrame(snapshot, files, False, _default(log, "createDataFrame", 4))  # noqa: FBT003
        return DataFrame(frame, self.spark)

    def has_rows_on(self, name: str, days: Collection[date]) -> bool:
        """Whether a partitioned table may have rows on one of the days: False is certain, True is not."""
        if not self.was_written(name):
            return False
        _, _, files = self._few_files(name)
        if files is None:
            return True
        written = {files.apply(at).partitionValues().apply(BY_NAME[name].partition) for at in range(files.size())}
        return not written.isdisjoint(day.isoformat() for day in days)

    def _few_files(self, name: str) -> tuple[Any, Any, Any]:
        """Log, newest snapshot, and its files as a Scala sequence, or None where they are many."""
        log, snapshot = self.log(name)
        if snapshot.numOfFiles() > FEW_FILES:
            return log, snapshot, None
        version, files = self._files.get(name, (-1, None))
        if version != snapshot.version():
            jvm: Any = self.spark._jvm
            collected = jvm.scala.jdk.CollectionConverters.ListHasAsScala(snapshot.allFiles().collectAsList())
            version, files = snapshot.version(), collected.asScala().toSeq()
            self._files[name] = version, files
        return log, snapshot, files

    def was_written(self, name: str) -> bool:
        """Whether the table has ever been written; a missing table is created."""
        self.create(name)
        if name not in self._with_rows:
            _, snapshot = self.log(name)
            if snapshot.version() == 0 and snapshot.numOfFiles() == 0:
                return False
            self._with_rows.add(name)
        return True

    def num_bytes(self, name: str) -> int:
        """Size of the table's files; 0 if it does not exist."""
        return int(self.log(name)[1].sizeInBytes()) if self.exists(name) else 0

    def version(self, name: str) -> int:
        """Latest Delta version of the table; raises ``ValueError`` if it does not exist."""
        if not self.exists(name):
            raise ValueError(f"{self.path(name)} is no Delta table")
        # The log has the version; the public `history` runs a Spark job, which takes seconds.
        _, snapshot = self.log(name)
        return int(snapshot.version())

    def last_version(self, name: str) -> int:
        """Latest Delta version of the table; -1 if it does not exist."""
        return self.version(name) if self.exists(name) else -1

    def rows_written(self, name: str, since: int) -> int:
        """Rows that the commits after version ``since`` added or changed; rows that a commit only copied do not count.

        Every writer records this in its commit: Spark, and delta-rs under another name.
        """
        if not self.exists(name) or self.version(name) <= since:
            return 0
        log, _ = self.log(name)
        changes = log.getChanges(since + 1, *(_default(log, "getChanges", at) for at in (2, 3)))
        total = 0
        while changes.hasNext():
            actions = changes.next()._2()
            # A commit's description is mostly its first action.
            infos = (json.loads(actions.apply(at).json()).get("commitInfo") for at in range(actions.size()))
            commit_info: dict[str, Any] = next((info for info in infos if info is not None), {})
            metrics = commit_info.get("operationMetrics", {})
            total += sum(sign * int(metrics.get(key, 0)) for key, sign in ROW_METRICS.items())
        return total

    def log(self, name: str) -> tuple[Any, Any]:
        """The JVM's log of the table, and its newest snapshot."""
        delta: Any = self.spark._jvm
        log = delta.org.apache.spark.sql.delta.DeltaLog.forTable(self.spark._jsparkSession, self.path(name))
        return log, log.update(*(_default(log, "update", at) for at in (1, 2, 3)))


def _default(instance: Any, method: str, at: int) -> Any:
    """The default of a Scala method's parameter, which Python must name."""
    return getattr(instance, f"{method}$default${at}")()


def checksum(frame: DataFrame) -> str:
    """Order-independent checksum of a frame's content: row count and the wrapping sum of 64-bit row hashes."""
    row = frame.select(F.xxhash64(*sorted(frame.columns)).cast("decimal(38,0)").alias("h")).agg(
        F.count("*").alias("n"), F.sum("h").alias("total")
    )
    first = row.first()
    return f"{first[0]}:{int(first[1] or 0) % 2**64:016x}"  # type: ignore[index]
