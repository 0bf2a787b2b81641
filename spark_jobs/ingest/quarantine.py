"""bronze.quarantine: every landed line that was refused, with its reason; grain: writer, source, line.

Refused lines are written by the job that refuses them: landed lines by ``events`` in this folder, before it appends
the accepted ones; events whose references do not hold by the jobs of the clean stage.
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
    """Create the table, so that it is there to be checked and read where no line has been refused yet."""
    night.lake.create("bronze.quarantine")
