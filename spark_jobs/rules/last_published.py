"""The last published night before this one, as ``contracts.epoch_status`` counts nights as published."""

from pyspark.sql import Row
from pyspark.sql import functions as F

from contracts.epoch_status import PUBLISHED
from spark_jobs.night.night import Night


def last_published(night: Night) -> Row | None:
    """``ds`` and ``manifest`` of its newest published epoch; None if no night was published before."""
    if not night.lake.exists("gold.epochs"):
        return None
    is_before = F.col("status").isin(*PUBLISHED) & (F.col("ds") < F.lit(night.ds))
    newest = night.read("gold.epochs").where(is_before).orderBy(F.col("ds").desc(), F.col("epoch").desc())
    return newest.select("ds", "manifest").first()
