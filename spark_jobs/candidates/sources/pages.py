"""Posts of followed pages."""

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from spark_jobs.candidates.offers import Offers, proposed


def propose(offers: Offers) -> DataFrame:
    """Most engaged first."""
    written = offers.posts.where(F.col("source_type") == "page")
    posts = written.select(F.col("source_id").alias("page_id"), "post_id", "engagement")
    return offers.follows.join(posts, "page_id", "inner").select(*proposed(F.col("engagement")))
