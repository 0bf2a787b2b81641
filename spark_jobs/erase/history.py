"""Making a deletion physical: no older file, and no older log entry, of a table stays.

VACUUM removes the data files of past versions. Delta's log then still tells smallest and greatest ids of files that
are gone, and the deleting commit tells the ids it deleted by; Delta itself forgets log entries by whole days only. So a
checkpoint of the newest version is written, and what is older than it goes, as Delta's own clean-up would do it later.
Time travel to before the erasure ends with this, as it must.
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
    # Delta guards against a retention that concurrent writers would not survive: nothing else may run, see docs.
    "spark.databricks.delta.retentionDurationCheck.enabled": "false",
    # Ends with a commit of its own, so that the newest log entry is not the one that names the deleted ids.
    "spark.databricks.delta.vacuum.logging.enabled": "true",
}
_LISTING = "spark.sql.sources.parallelPartitionDiscovery.parallelism"
"""VACUUM lists folders in that many tasks, 10,000 by default: 90 s for three folders on two cores, 5 s with four."""


@contextmanager
def settings_of_vacuum(spark: SparkSession) -> Iterator[None]:
    """The session's settings while an erasure vacuums; what they were before comes back."""
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
    """Leave only the newest version of the table and of its log; returns the number of log files removed.

    Killed anywhere, it is simply run again: what it removes, nobody reads any more.
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
    old = [path for path in names if (found := version_of(path.getName())) is not None and found < version]
    for path in old:
        files.delete(path, False)  # noqa: FBT003 - Hadoop's "recursive"
    return len(old)


def version_of(file_name: str) -> int | None:
    """The table version that a file of ``_delta_log`` is of; None for one that is of none."""
    digits = file_name.lstrip(".")[:_VERSION_DIGITS]
    return int(digits) if len(digits) == _VERSION_DIGITS and digits.isdigit() else None
