"""The Spark session of a job or a test: settings come from ``.jars/spark.conf`` unless spark-submit gave its own."""

import os
import sys
from pathlib import Path
from typing import Any

from pyspark import SparkContext
from pyspark.sql import SparkSession

from contracts.s3_access import VARIABLES, S3Access

BYTES_PER_SHUFFLE_TASK = 32 * 2**20
"""Of compressed input; what becomes of it in a shuffle takes several times as much memory."""

HEAP_PER_SENT_SIDE = 32
"""A sent side of a join takes at most one part of so many of the heap."""

PROPERTIES = Path(__file__).resolve().parent.parent.parent / ".jars" / "spark.conf"


def open_session(app: str) -> SparkSession:
    """Start (or join) the session; Python workers run this interpreter.

    Raises ``FileNotFoundError`` where Spark has not been set up.
    """
    os.environ.setdefault("PYSPARK_PYTHON", sys.executable)
    if SparkContext._active_spark_context is None and "PYSPARK_GATEWAY_PORT" not in os.environ:
        if not PROPERTIES.exists():
            raise FileNotFoundError(f"{PROPERTIES} is missing: run `make setup` first")
        os.environ.setdefault("PYSPARK_SUBMIT_ARGS", f"--properties-file {PROPERTIES} pyspark-shell")
    return SparkSession.builder.appName(app).getOrCreate()


def reach_s3(spark: SparkSession) -> None:
    """Let the session and its Python workers reach S3 as this process does."""
    context: Any = spark.sparkContext
    hadoop = context._jsc.hadoopConfiguration()
    for name, value in S3Access.of().for_spark.items():
        hadoop.set(name, value)
    context.environment.update({name: os.environ[name] for name in VARIABLES if name in os.environ})


def num_shuffles(spark: SparkSession) -> int:
    """Into how many partitions the session's shuffles split, before small ones are put together again."""
    return int(str(spark.conf.get("spark.sql.shuffle.partitions")))


def size_shuffles(spark: SparkSession, num_bytes: int) -> None:
    """Split the shuffles of a job that reads ``num_bytes`` of files so that a task's share fits its memory.

    They are never fewer than the session has; small results are put together again as they turn out. A side of a join
    that turns out to be a small part of the heap goes to the other side, which then need not move.
    """
    spark.conf.set("spark.sql.shuffle.partitions", max(num_shuffles(spark), -(-num_bytes // BYTES_PER_SHUFFLE_TASK)))
    jvm: Any = spark._jvm
    heap = jvm.java.lang.Runtime.getRuntime().maxMemory()
    spark.conf.set("spark.sql.adaptive.autoBroadcastJoinThreshold", int(heap) // HEAP_PER_SENT_SIDE)
