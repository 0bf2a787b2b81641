"""One simulation from the seed to the landing area."""

from datetime import date
from pathlib import Path

from pyspark.sql import DataFrame, SparkSession

from spark_jobs.simulate import events
from spark_jobs.simulate.exposure import shown
from spark_jobs.simulate.landing import with_dirt, write_json, write_landing
from spark_jobs.simulate.network import both_ways, friendships, tastes
from spark_jobs.simulate.posts import posts
from spark_jobs.simulate.reaction import react
from spark_jobs.simulate.world import World


def simulate(  # noqa: PLR0917 - the command line, in its order
    spark: SparkSession, users: int, days: int, seed: int, end_date: date, landing: str
) -> dict[str, int]:
    """Write a landing area of ``days`` days up to ``end_date``; returns the number of lines of each kind.

    The truth goes to ``<landing>/_truth``, which ingestion ignores: ``friendships``, ``posts`` and ``impressions``
    (Parquet, with the latent values and probabilities) and ``dirt.json`` (lines of each kind).
    Raises ``ValueError`` for a world too small.
    """
    world = World(users, days, seed, end_date)
    truth = f"{landing.rstrip('/')}/_truth"
    pairs = _keep(spark, friendships(spark, world), f"{truth}/friendships")
    written = _keep(spark, posts(spark, world), f"{truth}/posts")
    friends = both_ways(pairs)
    reactions = react(world, shown(spark, world, written, friends), tastes(spark, world))
    reacted = _keep(spark, reactions, f"{truth}/impressions")
    clean = [
        *events.people(spark, world),
        *events.edges(spark, world, pairs),
        *events.post_life(world, written, friends),
        *events.activity(world, reacted),
    ]
    counts = write_landing(world, with_dirt(spark, world, clean), landing)
    write_json(Path(landing), "_truth/dirt.json", counts)
    return counts


def _keep(spark: SparkSession, frame: DataFrame, path: str) -> DataFrame:
    """Write a part of the truth and read it back: what follows is planned from a file, not from its whole history."""
    frame.write.mode("overwrite").parquet(path)
    return spark.read.parquet(path)
