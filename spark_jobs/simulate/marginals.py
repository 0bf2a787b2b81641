"""Required and measured figures of a simulation, as the table of docs/simulator.md.

``python -m spark_jobs.simulate.marginals --landing DIR`` reads the truth beside the landing files.
"""

import argparse
import json
import sys
from dataclasses import dataclass
from pathlib import Path

if __package__ in {None, ""}:
    sys.path[0] = str(Path(__file__).resolve().parents[2])

from pyspark.sql import Column, DataFrame, SparkSession
from pyspark.sql import functions as F

from spark_jobs.night.session import open_session
from spark_jobs.simulate.network import blocks, both_ways, community, memberships, page_follows
from spark_jobs.simulate.world import World


@dataclass(frozen=True)
class Marginal:
    """One line of the table; ``asked`` is a requirement or a design value, ``tolerance`` is what a test allows."""

    name: str
    asked: float
    got: float
    tolerance: float

    @property
    def holds(self) -> bool:
        """Whether the measured figure is within the tolerance."""
        return abs(self.got - self.asked) <= self.tolerance


def marginals(spark: SparkSession, world: World, truth: str) -> list[Marginal]:
    """Every line of the table, in its order, from the folder with the truth of ``world``; shares are in percent."""
    written, shown, ads, labels, pairs = (
        spark.read.parquet(f"{truth}/{name}")
        for name in ("posts", "impressions", "ad_impressions", "labels", "friendships")
    )
    return [
        *_network(spark, world, pairs),
        *_posts(world, written.where("day >= 0")),
        *_exposure(world, shown, ads),
        *_reactions(shown, ads),
        *_labels(labels),
    ]


def _row(frame: DataFrame, **columns: Column) -> dict[str, float]:
    row = frame.agg(*(column.alias(name) for name, column in columns.items())).first()
    assert row is not None
    return {name: float(row[name] or 0) for name in columns}


def _percent(condition: Column) -> Column:
    return 100 * F.avg(condition.cast("double"))


def _network(spark: SparkSession, world: World, pairs: DataFrame) -> list[Marginal]:
    inside = community(world, F.col("user")) == community(world, F.col("friend"))
    blockers = blocks(spark, world).select("user").distinct()
    return [
        Marginal("friends per user", 20, both_ways(pairs).count() / world.users, 2.5),
        Marginal("friendships inside the community, %", 80, _row(pairs, got=_percent(inside))["got"], 2),
        Marginal("pages followed per user", 8, page_follows(spark, world).count() / world.users, 1),
        Marginal("groups joined per user", 2, memberships(spark, world).count() / world.users, 0.5),
        Marginal("users who block, %", 1, 100 * blockers.count() / world.users, 0.5),
    ]


def _posts(world: World, written: DataFrame) -> list[Marginal]:
    by_page = F.col("source_type") == "page"
    user_days, page_days = world.users * world.days, world.pages * world.days
    counts = _row(written, users=F.count_if(~by_page), pages=F.count_if(by_page))
    kinds = {"photo": 45, "status": 25, "video": 20, "link": 10}
    mix = _row(written, **{kind: _percent(F.col("content_type") == kind) for kind in kinds})
    flags = {"clickbait": (6.5, 1.5), "nsfw": (1, 0.5), "misinformation": (1.8, 0.7)}
    flagged = _row(written, **{flag: _percent(F.col(f"is_{flag}")) for flag in flags})
    return [
        Marginal("users posting on a day, %", 20, 100 * counts["users"] / user_days, 3),
        Marginal("posts per page and day", 1.9, counts["pages"] / page_days, 0.3),
        *(Marginal(f"{kind}, %", asked, mix[kind], 3.5) for kind, asked in kinds.items()),
        *(Marginal(f"posts that are {flag}, %", asked, flagged[flag], most) for flag, (asked, most) in flags.items()),
    ]


def _exposure(world: World, shown: DataFrame, ads: DataFrame) -> list[Marginal]:
    num_shown, num_ads = shown.count(), ads.count()
    sessions = shown.select("user", "slot").distinct().count()
    suggested = _row(shown, got=_percent(F.col("is_suggested") == 1))["got"]
    return [
        Marginal("sessions per user and day", 2.1, sessions / (world.users * world.days), 0.3),
        Marginal("impressions per session, ads among them", 12, (num_shown + num_ads) / sessions, 1),
        Marginal("organic impressions per ad", 8, num_shown / num_ads, 1),
        Marginal("impressions of suggested posts, %", 20, suggested, 5),
    ]


def _reactions(shown: DataFrame, ads: DataFrame) -> list[Marginal]:
    reaction = F.col("reaction")
    got = _row(
        shown,
        engaged=_percent(reaction.isNotNull()),
        hidden=_percent(F.col("is_hidden")),
        reported=_percent(F.col("is_reported")),
        **{kind: F.count_if(reaction == kind) for kind in ("like", "comment", "share")},
    )
    clicked = _row(ads, got=_percent(F.col("is_clicked")))["got"]
    return [
        Marginal("likes + comments + shares per impression, %", 12, got["engaged"], 1.5),
        Marginal("likes per share", 10, got["like"] / got["share"], 2.5),
        Marginal("comments per share", 2, got["comment"] / got["share"], 0.6),
        Marginal("hides per impression, %", 0.8, got["hidden"], 0.3),
        Marginal("reports per impression, %", 0.1, got["reported"], 0.07),
        Marginal("clicks per ad impression, %", 3, clicked, 1.5),
    ]


def _labels(labels: DataFrame) -> list[Marginal]:
    is_right = F.col("value") == F.col("truth")
    people = labels.where(F.col("labeller_type") == "human")
    checked = labels.where(F.col("labeller_type") == "fact_checker")
    return [
        Marginal("verdicts of people that are right, %", 90, _row(people, got=_percent(is_right))["got"], 3),
        Marginal("verdicts of fact checkers that are right, %", 97, _row(checked, got=_percent(is_right))["got"], 5),
    ]


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(prog="spark_jobs.simulate.marginals", description=__doc__)
    parser.add_argument("--landing", required=True, help="landing area that spark_jobs.simulate wrote")
    truth = Path(parser.parse_args().landing) / "_truth"
    world = World.of_options(json.loads((truth / "world.json").read_text()))
    spark = open_session("marginals")
    try:
        print("| | asked | got |\n|---|---|---|")
        for line in marginals(spark, world, str(truth)):
            print(f"| {line.name} | {line.asked:g} | {line.got:.3g}{'' if line.holds else ' (!)'} |")
    finally:
        spark.stop()


if __name__ == "__main__":
    main()
