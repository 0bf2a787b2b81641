"""Which model scored the last published night before this one.

The manifest of a published epoch names the model that scored it, even if rows in ``gold.models`` changed since: a night
that was not published, or was rolled back, has no say, and neither has a rerun of an older night's training.
"""

from datetime import date

from pyspark.sql import functions as F

from contracts.epoch_status import PUBLISHED
from spark_jobs.night.night import Night
from spark_jobs.rules.night_model import SIMPLE_SCORE


def last_model(night: Night) -> tuple[str, date] | None:
    """Its version and that night; None where no night was published before, or a model did not score the last one."""
    if not night.lake.exists("gold.epochs"):
        return None
    is_before = F.col("status").isin(*PUBLISHED) & (F.col("ds") < F.lit(night.ds))
    version = F.get_json_object("manifest", "$.model_version").alias("model_version")
    newest = night.read("gold.epochs").where(is_before).orderBy(F.col("ds").desc(), F.col("epoch").desc())
    last = newest.select("ds", version).first()
    if last is None or last.model_version in (None, SIMPLE_SCORE):
        return None
    return last.model_version, last.ds
