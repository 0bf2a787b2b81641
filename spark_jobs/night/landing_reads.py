"""Numbers of reads of the landing area; every row of bronze.events has the number of its read."""

from pyspark.sql import functions as F

from spark_jobs.night.night import Night

NONE = -1
"""A number before every read."""


def newest_arrival(night: Night) -> int:
    """The newest read that silver has processed; ``NONE`` in a new lake."""
    row = night.read("silver.arrivals").agg(F.max("batch").alias("newest")).first()
    return NONE if row is None or row.newest is None else int(row.newest)
