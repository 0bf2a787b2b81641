"""Posts of joined groups."""

from pyspark.sql import DataFrame, Window
from pyspark.sql import functions as F

from spark_jobs.candidates.offers import Offers, proposed


def propose(offers: Offers) -> DataFrame:
    """Most engaged first, of each group the best ``candidates.per_group``."""
    best = Window.partitionBy("group_id").orderBy(F.desc("engagement"), F.desc("created_at"), "post_id")
    written = offers.posts.where(F.col("source_type") == "group")
    posts = written.select(F.col("source_id").alias("group_id"), "post_id", "engagement", "created_at")
    # Before groups meet their members: a large group costs no more than its members times this.
    kept = posts.withColumn("number", F.row_number().over(best)).where(
        F.col("number") <= offers.settings.candidates.per_group
    )
    return offers.edges.members.join(kept, "group_id", "inner").select(*proposed(F.col("engagement")))
