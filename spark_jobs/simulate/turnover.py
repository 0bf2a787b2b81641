"""Changes of the network's edges after the history: in rounds of its length, each with the same shares of changes.

Within the history, the edges are those of ``network``. A pair that is or was friends, or is blocked, is not drawn
again.
"""

from pyspark.sql import Column, DataFrame, SparkSession
from pyspark.sql import functions as F

from spark_jobs.simulate import network
from spark_jobs.simulate.world import DAY_MS, World

NUMBERS_PER_ROUND = 1000
"""Offset of the request numbers of a round, so that they go to other users than earlier requests."""


def moment_of(world: World, turn: Column, stream: str, *keys: Column) -> Column:
    """A moment in the round ``turn``."""
    return turn * world.round_days * DAY_MS + network.within_ms(world, stream, *keys, turn)


def _each(turns: range) -> Column:
    return F.explode(F.array(*(F.lit(turn).cast("long") for turn in turns))).alias("turn")


def friendships(spark: SparkSession, world: World) -> DataFrame:
    """Friendships of all rounds: ``user`` < ``friend``, ``since_ms``, ``until_ms``. Grain: pair."""
    first, turns = network.friendships(spark, world), range(1, world.rounds)
    if not turns:
        return first
    user, number, turn, until = F.col("user"), F.col("number"), F.col("turn"), F.col("until_ms")
    sent = (
        spark.range(world.users)
        .select(F.col("id").alias("user"), _each(turns))
        .select(user, turn, F.explode(F.sequence(F.lit(1), network.requests(world, user))).alias("number"))
        .where(world.uniform("turnover/request", user, number, turn) < network.RECENT_SHARE)
    )
    target = network.request_target(world, user, number + turn * NUMBERS_PER_ROUND)
    made = (
        sent.select(
            F.least(user, target).alias("user"),
            F.greatest(user, target).alias("friend"),
            moment_of(world, turn, "turnover/since", user, number).alias("since_ms"),
        )
        .where(user != F.col("friend"))
        .groupBy("user", "friend")
        .agg(F.min("since_ms").alias("since_ms"), F.lit(None).cast("long").alias("until_ms"))
        .join(first, ["user", "friend"], "left_anti")
    )
    ends = [
        F.when(
            world.uniform("turnover/ends", "user", "friend", at) < network.ENDING_SHARE,
            moment_of(world, F.lit(at).cast("long"), "turnover/until", user, F.col("friend")),
        )
        for at in turns
    ]
    return first.withColumn("until_ms", F.coalesce(until, *ends)).unionByName(made)


def blocks(spark: SparkSession, world: World) -> DataFrame:
    """Blocks of all rounds: ``user``, ``blocked``, ``since_ms``. Grain: pair."""
    first, turns = network.blocks(spark, world), range(1, world.rounds)
    if not turns:
        return first
    user, turn = F.col("user"), F.col("turn")
    share = network.BLOCKER_SHARE * (1 - network.PAST_BLOCK_SHARE)
    made = (
        spark.range(world.users)
        .select(F.col("id").alias("user"), _each(turns))
        .where(world.uniform("turnover/blocks", user, turn) < share)
        .select(
            user,
            network.request_target(world, user, turn * NUMBERS_PER_ROUND).alias("blocked"),
            moment_of(world, turn, "turnover/blocked", user).alias("since_ms"),
        )
        .where(user != F.col("blocked"))
    )
    return first.unionByName(made).groupBy("user", "blocked").agg(F.min("since_ms").alias("since_ms"))
