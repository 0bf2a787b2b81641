"""The Spark session of a job or a test.

Settings come from ``.jars/spark.conf``, or from the file that ``FEEDLAKE_SPARK_CONF`` names, as a cluster's
(``docs/cluster.md``), unless spark-submit gave its own.
"""

import os
import sys
from pathlib import Path
from typing import Any

from pyspark import SparkContext
from pyspark.sql import SparkSession

from contracts.s3_access import VARIABLES, S3Access

BYTES_PER_SHUFFLE_TASK = 32 * 2**20
"""Bytes of compressed input per task; in a shuffle they take several times as much memory."""

HEAP_PER_SENT_SIDE = 32
"""A broadcast side of a join takes at most this fraction (1 / n) of the heap."""

PROPERTIES = Path(__file__).resolve().parent.parent.parent / ".jars" / "spark.conf"
VARIABLE = "FEEDLAKE_SPARK_CONF"


def open_session(app: str) -> SparkSession:
    """Start (or join) the session; Python workers run this interpreter.

    Raises ``FileNotFoundError`` where Spark has not been set up, or where there is no file of the name given.
    """
    os.environ.setdefault("PYSPARK_PYTHON", sys.executable)
    if SparkContext._active_spark_context is None and "PYSPARK_GATEWAY_PORT" not in os.environ:
        os.environ.setdefault("PYSPARK_SUBMIT_ARGS", f"--properties-file {properties()} pyspark-shell")
    return SparkSession.builder.appName(app).getOrCreate()


def properties() -> Path:
    """Spark's settings, a file; raises ``FileNotFoundError`` where it is missing."""
    given = os.environ.get(VARIABLE)
    if given and not Path(given).is_file():
        raise FileNotFoundError(f"{VARIABLE}: there is no file {given}; make it as docs/cluster.md says, or unset it")
    if not given and not PROPERTIES.exists():
        raise FileNotFoundError(f"{PROPERTIES} is missing: run `make setup` first")
    return Path(given) if given else PROPERTIES


def reach_s3(spark: SparkSession) -> None:
    """Let the session and its Python workers reach S3 as this process does."""
    context: Any = spark.sparkContext
    hadoop = context._jsc.hadoopConfiguration()
    for name, value in S3Access.of().for_spark.items():
        hadoop.set(name, value)
    context.environment.update({name: os.environ[name] for name in VARIABLES if name in os.environ})


def num_shuffles(spark: SparkSession) -> int:
    """Number of partitions of the session's shuffles, before small ones are merged."""
    return int(str(spark.conf.get("spark.sql.shuffle.partitions")))


def size_shuffles(spark: SparkSession, num_bytes: int) -> None:
    """Split the shuffles of a job that reads ``num_bytes`` of files so that a task's share fits its memory.

    There are never fewer than the session's own; Spark merges small ones at run time. A side of a join that is a small
    part of the heap is broadcast, so that the other side is not shuffled.
    """
    spark.conf.set("spark.sql.shuffle.partitions", max(num_shuffles(spark), -(-num_bytes // BYTES_PER_SHUFFLE_TASK)))
    spark.conf.set("spark.sql.adaptive.autoBroadcastJoinThreshold", smallest_heap(spark) // HEAP_PER_SENT_SIDE)


def smallest_heap(spark: SparkSession) -> int:
    """Bytes of the driver's heap, or of an executor's where executors are processes of their own and theirs is less."""
    session: Any = spark
    heap, context = int(session._jvm.java.lang.Runtime.getRuntime().maxMemory()), session._jsc.sc()
    return heap if context.isLocal() else min(heap, int(context.executorMemory()) * 2**20)


def drop_checkpoints(spark: SparkSession) -> None:
    """Remove what the session has checkpointed, once nothing reads it any more: rows of it are about people."""
    session: Any = spark
    folder = session.sparkContext.getCheckpointDir()
    if folder is not None:
        path = session._jvm.org.apache.hadoop.fs.Path(folder)
        path.getFileSystem(session._jsc.hadoopConfiguration()).delete(path, True)  # noqa: FBT003 - Hadoop's signature
