"""The posts with the best engagement, the same for everyone, so that nobody's feed is empty."""

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from spark_jobs.candidates.offers import SPARE, Offers, proposed
from spark_jobs.rules.rates import clipped_log_odds

EVIDENCE = 0.01
"""Weight of the number of engagements, which orders posts with the same rate."""


def propose(offers: Offers) -> DataFrame:
    """Open posts by engagements per view, shrunk to the mean; age and exposure alone do not count."""
    priority = clipped_log_odds(F.col("engagement_rate")) + EVIDENCE * F.col("engagement")
    best = offers.open_posts.select("post_id", priority.alias("priority"))
    listed = best.orderBy(F.desc("priority"), "post_id").limit(SPARE * offers.settings.candidates.popular)
    return offers.users.crossJoin(F.broadcast(listed)).select(*proposed(F.col("priority")))
