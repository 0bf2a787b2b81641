"""New posts that few have seen, by the user's taste: nobody knows yet how good they are."""

from datetime import timedelta

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from spark_jobs.candidates.offers import Offers
from spark_jobs.candidates.sources.taste import nearest
from spark_jobs.rules.rates import count_of_log


def propose(offers: Offers) -> DataFrame:
    """Open posts of the last ``new_hours`` with fewer than ``new_views`` views."""
    limits = offers.settings.candidates
    is_young = F.col("created_at") >= F.lit(offers.as_of - timedelta(hours=limits.new_hours))
    is_unseen = count_of_log("log_views") < limits.new_views
    return nearest(offers, offers.open_posts.where(is_young & is_unseen), limits.new)
