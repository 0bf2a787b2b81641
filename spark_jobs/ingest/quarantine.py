"""bronze.quarantine: every landed line that was refused, with its reason; grain: writer, source, line.

The job that refuses a line writes it here: ``events`` in this folder for landed lines, before it appends the accepted
ones; the jobs of the clean stage for events whose references do not hold.
"""

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from spark_jobs.night.night import Night

WRITER = "bronze.events"


def transform(checked: DataFrame) -> DataFrame:
    """Rows of bronze.quarantine for the lines of ``checked`` that have a reason; an invalid byte is shown as U+FFFD."""
    return checked.where(F.col("reason").isNotNull()).select(
        F.lit(WRITER).alias("writer"),
        "source",
        "line",
        "event_id",
        "event_type",
        "reason",
        "detail",
        F.make_valid_utf8("raw").alias("raw"),
        "landing_date",
        "batch",
        "was_event",
        F.lit(None).cast("boolean").alias("is_settled"),
    )


def main(night: Night) -> None:
    """Create the table, so that it can be gated and read even if no line has been refused yet."""
    night.lake.create("bronze.quarantine")
