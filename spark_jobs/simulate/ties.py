"""Ties of users to the sources of posts, and their strength."""

from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from spark_jobs.simulate.network import memberships, page_follows, tie
from spark_jobs.simulate.world import FIRST_GROUP_ID, FIRST_PAGE_ID, FIRST_USER_ID, World


def ties(spark: SparkSession, world: World, friends: DataFrame) -> DataFrame:
    """Friends, followed pages and joined groups. Grain: user, source_type and source_id, as posts name their source.

    ``tie`` is the latent strength in [0, 1); it is valid from ``since_ms`` until ``until_ms`` (null: it never ends).
    ``friends`` comes from ``both_ways``.
    """
    user, always, never = F.col("user"), F.lit(0).cast("long"), F.lit(None).cast("long")
    columns = ("user", "source_type", "source_id", "tie", "since_ms", "until_ms")
    by_friends = friends.select(
        user,
        F.lit("friend"),
        F.col("friend") + FIRST_USER_ID,
        tie(world, user, F.col("friend")),
        "since_ms",
        "until_ms",
    )
    page, group = F.col("page") + FIRST_PAGE_ID, F.col("group") + FIRST_GROUP_ID
    follows = page_follows(spark, world).select(
        user, F.lit("page"), page, 0.7 * F.pow(world.uniform("follow/tie", user, page), 2.0), always, never
    )
    members = memberships(spark, world).select(
        user, F.lit("group"), group, 0.4 * world.uniform("membership/tie", user, group), always, never
    )
    return by_friends.toDF(*columns).unionByName(follows.toDF(*columns)).unionByName(members.toDF(*columns))
