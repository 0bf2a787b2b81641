"""The Spark session of a job or a test: settings come from ``.jars/spark.conf`` unless spark-submit gave its own."""

import os
import sys
from pathlib import Path

from pyspark import SparkContext
from pyspark.sql import SparkSession

PROPERTIES = Path(__file__).resolve().parent.parent / ".jars" / "spark.conf"


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
