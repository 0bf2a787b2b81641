"""Posts that people of the user's community engaged with."""

from pyspark.sql import DataFrame, Window
from pyspark.sql import functions as F

from spark_jobs.candidates.offers import SPARE, Offers, proposed


def propose(offers: Offers) -> DataFrame:
    """Open posts by how many members of the user's community liked, commented or shared them."""
    members = offers.communities.select("user_id", "community_id")
    answered = offers.answers.join(offers.open_posts.select("post_id", "created_at"), "post_id", "inner")
    people = F.countDistinct("user_id").alias("people")
    counted = answered.join(members, "user_id", "inner").groupBy("community_id", "post_id", "created_at").agg(people)
    best = Window.partitionBy("community_id").orderBy(F.desc("people"), F.desc("created_at"), "post_id")
    most = SPARE * offers.settings.candidates.circle
    listed = counted.withColumn("number", F.row_number().over(best)).where(F.col("number") <= most)
    return members.join(listed, "community_id", "inner").select(*proposed(F.col("people")))
