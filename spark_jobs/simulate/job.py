"""One simulation from the seed to the landing area."""

from dataclasses import asdict, dataclass
from datetime import date
from pathlib import Path

from pyspark.sql import DataFrame, SparkSession

from spark_jobs.session import size_shuffles
from spark_jobs.simulate import events
from spark_jobs.simulate.ad_events import ad_activity, advertised
from spark_jobs.simulate.ads import ads, campaigns, chosen_ads, react_to_ads, shown_ads
from spark_jobs.simulate.exposure import shown
from spark_jobs.simulate.labels import label_lines, verdicts
from spark_jobs.simulate.landing import with_dirt, write_json, write_landing
from spark_jobs.simulate.network import both_ways, friendships, tastes
from spark_jobs.simulate.posts import posts
from spark_jobs.simulate.reaction import react
from spark_jobs.simulate.sessions import session_lines, sessions
from spark_jobs.simulate.world import World

BYTES_PER_USER_DAY = 4096
"""What the truth of a user's day takes, compressed, while it is drawn."""


def simulate(  # noqa: PLR0917 - the command line, in its order
    spark: SparkSession,
    users: int,
    days: int,
    seed: int,
    end_date: date,
    landing: str,
    drift_date: date | None = None,
) -> dict[str, int]:
    """Write a landing area of ``days`` days up to ``end_date``; returns the number of lines of each kind.

    From ``drift_date`` on, tastes and devices are others. The truth goes to ``<landing>/_truth``, which ingestion
    ignores: ``friendships``, ``posts``, ``impressions``, ``ad_impressions`` and ``labels`` (Parquet, with the latent
    values and probabilities), ``world.json`` and ``dirt.json`` (lines of each kind).
    Raises ``ValueError`` for a world too small.
    """
    world = World(users, days, seed, end_date, drift_date)
    size_shuffles(spark, users * days * BYTES_PER_USER_DAY)
    drawn = draw_truth(spark, world, f"{landing.rstrip('/')}/_truth")
    clean = [
        *events.people(spark, world),
        *events.edges(spark, world, drawn.pairs),
        *events.post_life(world, drawn.posts, both_ways(drawn.pairs)),
        *events.activity(world, drawn.impressions),
        session_lines(world, drawn.sessions),
        *advertised(world, drawn.campaigns, drawn.ads),
        *ad_activity(world, drawn.ad_impressions),
        label_lines(world, drawn.labels),
    ]
    counts = write_landing(world, with_dirt(spark, world, clean), landing)
    write_json(Path(landing), "_truth/dirt.json", counts)
    write_json(Path(landing), "_truth/world.json", {key: str(value) for key, value in asdict(world).items()})
    return counts


@dataclass(frozen=True)
class Drawn:
    """What is and what happens in a world, before anybody reports it; grains as their functions say."""

    pairs: DataFrame
    posts: DataFrame
    impressions: DataFrame
    sessions: DataFrame
    campaigns: DataFrame
    ads: DataFrame
    ad_impressions: DataFrame
    labels: DataFrame


def draw_truth(spark: SparkSession, world: World, folder: str) -> Drawn:
    """Draw everything there is to report and keep the truth of it in ``folder``."""
    pairs = _keep(spark, friendships(spark, world), f"{folder}/friendships")
    written = _keep(spark, posts(spark, world), f"{folder}/posts")
    known = tastes(spark, world)
    seen = react(world, shown(spark, world, written, both_ways(pairs)), known)
    reacted = _keep(spark, seen, f"{folder}/impressions")
    visited, running = sessions(reacted), campaigns(spark, world)
    listed = ads(world, running)
    offered = shown_ads(world, chosen_ads(world, visited, listed, known), listed, written)
    met = _keep(spark, react_to_ads(world, offered, known), f"{folder}/ad_impressions")
    said = _keep(spark, verdicts(world, written), f"{folder}/labels")
    return Drawn(pairs, written, reacted, visited, running, listed, met, said)


def _keep(spark: SparkSession, frame: DataFrame, path: str) -> DataFrame:
    """Write a part of the truth and read it back: what follows is planned from a file, not from its whole history."""
    frame.write.mode("overwrite").parquet(path)
    return spark.read.parquet(path)
