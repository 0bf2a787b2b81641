"""Posts of joined groups."""

from pyspark.sql import DataFrame, Window
from pyspark.sql import functions as F

from spark_jobs.candidates.offers import Offers, proposed


def propose(offers: Offers) -> DataFrame:
    """Most engaged first, the best ``candidates.per_group`` of each group."""
    best = Window.partitionBy("group_id").orderBy(F.desc("engagement"), F.desc("created_at"), "post_id")
    written = offers.posts.where(F.col("source_type") == "group")
    posts = written.select(F.col("source_id").alias("group_id"), "post_id", "engagement", "created_at")
    # The limit comes before the join with members: a large group costs at most its members times the limit.
    kept = posts.withColumn("number", F.row_number().over(best)).where(
        F.col("number") <= offers.settings.candidates.per_group
    )
    return offers.edges.members.join(kept, "group_id", "inner").select(*proposed(F.col("engagement")))
