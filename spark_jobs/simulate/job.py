"""One simulation from the seed to the landing area."""

import shutil
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from pyspark.sql import DataFrame, SparkSession

from spark_jobs.night.session import size_shuffles
from spark_jobs.simulate import events
from spark_jobs.simulate.ad_events import ad_activity, advertised
from spark_jobs.simulate.ads import ads, campaigns, chosen_ads, next_ads, react_to_ads, shown_ads
from spark_jobs.simulate.exposure import impressions
from spark_jobs.simulate.labels import label_lines, verdicts
from spark_jobs.simulate.landing import with_dirt, write_json, write_landing
from spark_jobs.simulate.network import both_ways, tastes
from spark_jobs.simulate.posts import posts
from spark_jobs.simulate.reaction import react
from spark_jobs.simulate.sessions import session_lines, sessions
from spark_jobs.simulate.turnover import friendships
from spark_jobs.simulate.world import World

BYTES_PER_USER_DAY = 4096
"""Compressed bytes of the truth of a user's day while it is drawn."""


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

    Tastes and devices change on ``drift_date``. The truth goes to ``<landing>/_truth``, which ingestion
    ignores: ``friendships``, ``posts``, ``impressions``, ``ad_impressions`` and ``labels`` (Parquet, with the latent
    values and probabilities), ``dirt.json`` (lines of each kind) and ``world.json``, from which ``respond`` continues.
    Raises ``ValueError`` for a world too small.
    """
    world = World(users, days, seed, end_date, drift_date)
    size_shuffles(spark, users * days * BYTES_PER_USER_DAY)
    truth = f"{landing.rstrip('/')}/_truth"
    shutil.rmtree(f"{truth}/responses", ignore_errors=True)  # another world's
    drawn = draw_truth(spark, world, truth)
    write_json(Path(landing), "_truth/world.json", world.options)
    counts = write_landing(world, with_dirt(spark, world, reported(spark, world, drawn)), landing)
    write_json(Path(landing), "_truth/dirt.json", counts)
    return counts


@dataclass(frozen=True)
class Drawn:
    """The drawn truth of a world, before it is reported as events; grains as in the functions that draw it."""

    pairs: DataFrame
    posts: DataFrame
    impressions: DataFrame
    sessions: DataFrame
    campaigns: DataFrame
    ads: DataFrame
    ad_impressions: DataFrame
    labels: DataFrame


def draw_truth(spark: SparkSession, world: World, folder: str) -> Drawn:
    """Draw the whole truth and keep it in ``folder``."""
    pairs, written = draw_network(spark, world, folder)
    seen = react(world, impressions(spark, world, written, both_ways(pairs)), tastes(spark, world))
    return draw_rest(spark, world, pairs, written, seen, folder)


def draw_network(spark: SparkSession, world: World, folder: str) -> tuple[DataFrame, DataFrame]:
    """Friendships and posts, kept in ``folder``; they do not depend on what users are shown."""
    pairs = _keep(spark, friendships(spark, world), f"{folder}/friendships")
    return pairs, _keep(spark, posts(spark, world), f"{folder}/posts")


def draw_rest(  # noqa: PLR0917 - from what is drawn to where it goes
    spark: SparkSession,
    world: World,
    pairs: DataFrame,
    written: DataFrame,
    seen: DataFrame,
    folder: str,
    ranked_ads: DataFrame | None = None,
) -> Drawn:
    """The rest of the truth, given the posts that were ``seen`` (``react``) in any order; kept in ``folder``.

    Ads are those of ``ranked_ads`` (``next_ads``), or drawn where no night has ranked any.
    """
    known = tastes(spark, world)
    reacted = _keep(spark, seen, f"{folder}/impressions")
    visited, running = sessions(reacted), campaigns(spark, world)
    listed = ads(world, running)
    drawn = chosen_ads(world, visited, listed, known) if ranked_ads is None else next_ads(visited, ranked_ads)
    offered = shown_ads(world, drawn, listed, written)
    met = _keep(spark, react_to_ads(world, offered, known), f"{folder}/ad_impressions")
    judged = _keep(spark, verdicts(world, written), f"{folder}/labels")
    return Drawn(pairs, written, reacted, visited, running, listed, met, judged)


def reported(spark: SparkSession, world: World, drawn: Drawn) -> list[DataFrame]:
    """Clean lines of everything that was ``drawn``, with their times of arrival. Grain: event_id."""
    return [
        *events.people(spark, world),
        *events.edges(spark, world, drawn.pairs),
        *events.post_life(world, drawn.posts, both_ways(drawn.pairs)),
        *events.activity(world, drawn.impressions),
        session_lines(world, drawn.sessions),
        *advertised(world, drawn.campaigns, drawn.ads),
        *ad_activity(world, drawn.ad_impressions),
        label_lines(world, drawn.labels),
    ]


def _keep(spark: SparkSession, frame: DataFrame, path: str) -> DataFrame:
    """Write a part of the truth and read it back, so that later plans start from a file."""
    frame.write.mode("overwrite").parquet(path)
    return spark.read.parquet(path)
