"""Whose taste is known, and so who is new to the network."""

from datetime import datetime, timedelta

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from spark_jobs.night.night import Night
from spark_jobs.rules.counters import POSITIVE
from spark_jobs.rules.seen import recent_log


def users_with_taste(night: Night, as_of: datetime | None = None) -> DataFrame:
    """(user_id) of those who liked, commented or shared ``known_acts`` times in the activity window; others are new.

    The window ends at ``as_of``, by default the night's.
    """
    window = timedelta(days=night.settings.dataset.activity_days)
    acts = recent_log(night.read("silver.engagements"), "engaged_at", as_of or night.as_of, window)
    counted = acts.where(F.col("engagement_type").isin(*POSITIVE)).groupBy("user_id").agg(F.count("*").alias("n"))
    return counted.where(F.col("n") >= night.settings.new_users.known_acts).select("user_id")
