"""The next day: how users respond to the feeds that a night ranked for them.

Sessions open as in the history and show the user's pool in its order, from where the session before stopped, and the
pool's ads in theirs. Posts, edges, campaigns and labels go on. The ranker decides what is shown; the world decides
reactions, by the same formulas as in the history. So the same users' reactions to the same posts in any other order
are known too.
"""

import json
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path
from typing import Any

from pyspark.sql import Column, DataFrame, SparkSession
from pyspark.sql import functions as F

from spark_jobs.night.lake import Lake
from spark_jobs.night.session import size_shuffles
from spark_jobs.simulate.job import BYTES_PER_USER_DAY, draw_network, draw_rest, reported
from spark_jobs.simulate.landing import RETRY_MS, with_dirt, write_json, write_last_day
from spark_jobs.simulate.lines import MOST_LATE_MS
from spark_jobs.simulate.network import both_ways, tastes
from spark_jobs.simulate.offers import offered, read_ads, read_feeds
from spark_jobs.simulate.outcome import compare, measure
from spark_jobs.simulate.reaction import MAX_DELAY_MS, act, context, judge
from spark_jobs.simulate.serve import serve
from spark_jobs.simulate.sessions import in_view, opened_on_last_day, sessions
from spark_jobs.simulate.world import DAY_MS, World

ACTED = (
    "user", "post_id", "slot", "started_ms", "position", "shown_ms", "device", "connection", "propensity", "epoch",
    "reaction", "delay_ms", "is_clicked", "dwell_ms", "is_hidden", "is_reported",
)  # fmt: skip


def respond(spark: SparkSession, landing: str, lake: Lake, ds: date) -> dict[str, Any]:
    """Emit the landing files of the day after ``ds``, given the feeds ranked for ``ds``; returns the day's figures.

    The truth of the day goes to ``_truth/responses/<day>`` (Parquet, as that of the history; impressions have their
    rank) and, when all is in place, the figures to ``_truth/responses/<day>.json``. Raises ``ValueError`` where the
    area was not simulated, the day lies in its history, the day before has no response yet, or ``ds`` has no feeds.
    """
    world = world_after(landing, ds)
    size_shuffles(spark, world.users * BYTES_PER_USER_DAY)
    day, truth = world.end_date.isoformat(), f"{landing.rstrip('/')}/_truth"
    shown_before, ads_before = earlier(spark, world, truth)
    feeds = read_feeds(lake, ds)
    Path(f"{truth}/responses/{day}.json").unlink(missing_ok=True)
    pairs, written = draw_network(spark, world, f"{truth}/responses/{day}")
    seen_before = shown_before.select("user", "post_id")
    offers = offered(spark, world, feeds, seen_before, written, both_ways(pairs)).persist()
    served = serve_in_all_orders(spark, world, offers).persist()
    try:
        ranked = served.where(F.col("order") == "ranked").drop("order", "worth")
        folder = f"{truth}/responses/{day}"
        drawn = draw_rest(spark, world, pairs, written, act(world, ranked), folder, read_ads(lake, ds))
        seen = _recent(world, shown_before).unionByName(drawn.impressions.select(*ACTED))
        met = _recent(world, ads_before).unionByName(drawn.ad_impressions)
        so_far = replace(drawn, impressions=seen, sessions=sessions(seen), ad_impressions=met)
        lines = write_last_day(world, _of_last_day(spark, world, reported(spark, world, so_far)), landing)
        happened = measure(drawn.impressions, drawn.ad_impressions)
        figures = {"day": day, "feeds_of": ds.isoformat(), **happened, "lines": lines, **compare(served)}
    finally:
        for frame in (served, offers):
            frame.unpersist()
    write_json(Path(landing), f"_truth/responses/{day}.json", figures)
    return figures


def world_after(landing: str, ds: date) -> World:
    """The landing area's world, continued to the day after ``ds``."""
    path = Path(landing) / "_truth" / "world.json"
    if not path.exists():
        raise ValueError(f"{path} is missing: only a simulated landing area can respond; simulate it anew")
    history = World.of_options(json.loads(path.read_text()))
    last = ds + timedelta(days=1)
    if last <= history.end_date:
        raise ValueError(f"{last} lies in the simulated history, which ends on {history.end_date}")
    days = (last - history.start_date).days + 1
    return replace(history, days=days, end_date=last, history_days=history.days)


def earlier(spark: SparkSession, world: World, truth: str) -> tuple[DataFrame, DataFrame]:
    """Impressions and ad impressions of all days before the world's last one, and what followed; grains as drawn."""
    days = [world.start_date + timedelta(days=n) for n in range(world.history_days, world.days - 1)]
    for day in days:
        if not Path(f"{truth}/responses/{day}.json").exists():
            raise ValueError(f"{day} has no response: respond to the feeds of {day - timedelta(days=1)} first")
    shown, met = (
        spark.read.parquet(f"{truth}/impressions").select(*ACTED),
        spark.read.parquet(f"{truth}/ad_impressions"),
    )
    if not days:
        return shown, met
    shown_later, met_later = (
        spark.read.parquet(*(f"{truth}/responses/{day}/{name}" for day in days))
        for name in ("impressions", "ad_impressions")
    )
    return shown.unionByName(shown_later.select(*ACTED)), met.unionByName(met_later)


def serve_in_all_orders(spark: SparkSession, world: World, offers: DataFrame) -> DataFrame:
    """What the day's sessions show in each of ``orders``, with the probabilities of reactions (``judge``).

    ``worth`` is the probability that a user who examines the post likes, comments or shares it.
    Grain: order, user and post; also unique by order, user, slot and place.
    """
    known = tastes(spark, world)
    anywhere = {"shown_ms": F.lit(world.end_ms - DAY_MS), "context": F.lit(0.0)}
    ordered = judge(world, offers.withColumns(anywhere), known).withColumn("worth", worth())
    placed = serve(ordered, opened_on_last_day(spark, world), orders(world))
    about = offers.drop("until_ms", "is_fallback")
    seen = in_view(world, placed.join(about, ["user", "post_id"], "inner")).withColumn("context", context())
    return judge(world, seen, known).withColumn("worth", worth())


def worth() -> Column:
    """Probability that a user who examines a judged post likes, comments or shares it."""
    return F.col("p_engage") * (1 - F.col("p_hide"))


def orders(world: World) -> dict[str, Column]:
    """The served order and other orders of the same candidates, as ranks (least first).

    ``chronological``: newest first, posts of friends, followed pages and joined groups before suggestions.
    ``best``: by the truth without a session; device and time affect all posts much alike.
    """
    had_pool = ~F.col("is_fallback")
    others = {
        "chronological": F.struct("is_suggested", -F.col("created_ms")),
        "random": world.uniform("respond/random", "user", "post_id"),
        "best": -F.col("worth"),
    }
    return {"ranked": F.col("rank"), **{name: F.when(had_pool, rank) for name, rank in others.items()}}


def _recent(world: World, shown: DataFrame) -> DataFrame:
    """The part of ``shown`` whose sessions may have events that arrive on the world's last day, and some more."""
    return shown.where(F.col("started_ms") >= world.end_ms - 2 * DAY_MS - MOST_LATE_MS - MAX_DELAY_MS)


def _of_last_day(spark: SparkSession, world: World, clean: list[DataFrame]) -> DataFrame:
    """Lines received on the world's last day, dirt among them; lines of the day before may be sent again on it."""
    start = world.end_ms - DAY_MS
    nearly = [frame.where(F.col("received_ms") >= start - RETRY_MS) for frame in clean]
    return with_dirt(spark, world, nearly).where(F.col("received_ms") >= start)
