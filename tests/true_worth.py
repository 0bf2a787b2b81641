"""The true value of posts to simulated users, shown or not: the simulator's truth for every visible post."""

from datetime import date

from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from spark_jobs.simulate.network import both_ways, friendships, tastes
from spark_jobs.simulate.offers import offered
from spark_jobs.simulate.posts import posts
from spark_jobs.simulate.reaction import judge
from spark_jobs.simulate.respond import world_after, worth
from spark_jobs.simulate.world import DAY_MS, FIRST_USER_ID


def true_worth(spark: SparkSession, landing: str, ds: date, post_ids: DataFrame, every: int) -> DataFrame:
    """(user_id, post_id, worth): of every ``every``-th user, those of ``post_ids`` that they may see and have not.

    ``worth`` is the chance that the user, examining the post on the day after ``ds``, answers it, as in ``respond``.
    """
    world = world_after(landing, ds)
    users = spark.range(0, world.users, every).select(F.col("id").alias("user"))
    pairs = users.crossJoin(F.broadcast(post_ids.select("post_id"))).withColumns(
        {
            "rank": F.lit(1),
            "propensity": F.lit(1.0),
            "is_exploration": F.lit(col=False),
            "epoch": F.lit(1).cast("long"),
        }
    )
    seen = spark.read.parquet(f"{landing}/_truth/impressions").select("user", "post_id")
    friends = both_ways(friendships(spark, world))
    may_see = offered(spark, world, pairs, seen, posts(spark, world), friends).where(~F.col("is_fallback"))
    at_the_start = {"shown_ms": F.lit(world.end_ms - DAY_MS), "context": F.lit(0.0)}
    judged = judge(world, may_see.withColumns(at_the_start), tastes(spark, world))
    return judged.select((F.col("user") + FIRST_USER_ID).alias("user_id"), "post_id", worth().alias("worth"))
