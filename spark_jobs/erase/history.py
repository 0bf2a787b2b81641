"""Make a deletion physical: remove all older files and log entries of a table.

VACUUM removes the data files of past versions. Delta's log still has the smallest and greatest ids of removed files,
and the deleting commit has the ids that it deleted; Delta itself removes log entries by whole days only. So a
checkpoint of the newest version is written, and older log entries are removed, as Delta's own clean-up does later.
Time travel to before the erasure is no longer possible.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from delta.tables import DeltaTable
from pyspark.sql import SparkSession

from spark_jobs.night.lake import Lake
from spark_jobs.night.session import num_shuffles

_VERSION_DIGITS = 20
_WHILE_VACUUMING = {
    # Delta guards concurrent writers by a minimum retention; nothing else may run during an erasure, see docs.
    "spark.databricks.delta.retentionDurationCheck.enabled": "false",
    # VACUUM then ends with its own commit, so that the newest log entry does not contain the deleted ids.
    "spark.databricks.delta.vacuum.logging.enabled": "true",
}
_LISTING = "spark.sql.sources.parallelPartitionDiscovery.parallelism"
"""Tasks in which VACUUM lists folders. Three folders on two cores take 90 s with the default 10,000, 5 s with four."""


@contextmanager
def settings_of_vacuum(spark: SparkSession) -> Iterator[None]:
    """Apply the session settings for VACUUM, and restore the earlier ones at the end."""
    before = {name: spark.conf.get(name, None) for name in (*_WHILE_VACUUMING, _LISTING)}
    parallelism = str(num_shuffles(spark))
    for name, value in {**_WHILE_VACUUMING, _LISTING: parallelism}.items():
        spark.conf.set(name, value)
    try:
        yield
    finally:
        for name, old in before.items():
            spark.conf.unset(name) if old is None else spark.conf.set(name, old)


def forget(lake: Lake, name: str) -> int:
    """Keep only the newest version of the table and its log; returns the number of log files removed.

    After a kill anywhere it can be run again: nobody reads what it removes.
    """
    DeltaTable.forPath(lake.spark, lake.path(name)).vacuum(0.0)
    log, snapshot = lake.log(name)
    log.checkpoint(snapshot, getattr(log, "checkpoint$default$2")())
    jvm: Any = lake.spark._jvm
    folder = jvm.org.apache.hadoop.fs.Path(f"{lake.path(name)}/_delta_log")
    files = folder.getFileSystem(lake.spark._jsc.hadoopConfiguration())
    names = [status.getPath() for status in files.listStatus(folder)]
    version = int(snapshot.version())
    if not any(path.getName().startswith(f"{version:020d}.checkpoint") for path in names):
        raise RuntimeError(f"{name}: version {version} has no checkpoint, so its older log entries are kept")
    old = [path for path in names if (number := version_of(path.getName())) is not None and number < version]
    for path in old:
        files.delete(path, False)  # noqa: FBT003 - Hadoop's "recursive"
    return len(old)


def version_of(file_name: str) -> int | None:
    """The table version of a file of ``_delta_log``; None if it belongs to no version."""
    digits = file_name.lstrip(".")[:_VERSION_DIGITS]
    return int(digits) if len(digits) == _VERSION_DIGITS and digits.isdigit() else None
