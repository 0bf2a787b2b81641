"""The closed loop: users respond to the feeds of a night, the next night learns from it, day after day."""

import json
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
from pyspark.sql import SparkSession
from pyspark.sql import functions as F

from spark_jobs.night.lake import Lake
from spark_jobs.night.night import Night, load_settings
from spark_jobs.simulate import respond, simulate
from tests.landed import landed_events
from tests.nights import redis_server, run_night
from tests.spark_jobs.simulate.test_simulated_truth import Graph

USERS, DAYS = 300, 2
FIRST = date(2026, 3, 8)
SESSION_POSTS, AD_POSITIONS = 16, (5, 14)


@dataclass(frozen=True)
class Loop:
    """Two days of serving and learning after a simulated history; ``figures`` and ``epochs`` by day."""

    lake: Lake
    landing: Path
    figures: dict[date, dict[str, Any]]
    epochs: dict[date, int]


@pytest.fixture(scope="module")
def loop(spark: SparkSession, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Loop]:
    root = tmp_path_factory.mktemp("loop")
    landing, lake = root / "landing", Lake(spark, str(root / "lake"))
    simulate(spark, users=USERS, days=8, seed=20, end_date=FIRST, landing=str(landing))
    figures, epochs = {}, {}
    with redis_server(root) as url:
        for number in range(DAYS + 1):
            ds = FIRST + timedelta(days=number)
            if number:
                figures[ds] = respond(spark, str(landing), lake, ds - timedelta(days=1))
            night = Night(lake, ds, str(landing), root / "runs", load_settings(str(landing)), url)
            run_night(night)
            epochs[ds] = json.loads((night.folder / "publish.json").read_text())["epoch"]
        yield Loop(lake, landing, figures, epochs)


@pytest.mark.slow
def test_loop(spark: SparkSession, loop: Loop) -> None:
    assert list(loop.epochs.values()) == list(range(1, DAYS + 2))
    events = list(landed_events(loop.landing))
    graph = Graph(events)
    for day, figures in loop.figures.items():
        impressions = [e for e in events if e["event_type"] == "impression" and e["event_time"][:10] == day.isoformat()]
        shown = [event for event in impressions if "ad_id" not in event]
        assert {event["position"] for event in impressions if "ad_id" in event} == set(AD_POSITIONS)
        assert {event["epoch"] for event in shown} == {loop.epochs[day - timedelta(days=1)]}
        assert all(graph.may_see(event["user_id"], event["post_id"], event["event_time"]) for event in impressions)
        num_users = in_the_order_of(pools(loop.lake, day - timedelta(days=1)), shown, graph)
        rate = figures["true_rate"]
        print(
            f"{day}: {len(shown):,} impressions of {num_users} users in the order of their pools, all visible; "
            f"{figures['engagement_rate']:.1%} engaged; true rate ranked {rate['ranked']:.2%}, newest first "
            f"{rate['chronological']:.2%}, at random {rate['random']:.2%}, best {rate['best']:.2%}"
        )
        print_places(figures["by_place"])
        assert rate["best"] > rate["ranked"] > rate["chronological"] > rate["random"]
        places = zip(figures["by_place"]["ranked"], figures["by_place"]["random"], strict=True)
        # Where candidates run out, the last places of a session hold what is left, in any order.
        assert all(ranked > random for ranked, random in list(places)[: SESSION_POSTS // 2])
    learned = loop.lake.read("silver.impressions").where("epoch IS NOT NULL").count()
    print(f"silver.impressions holds {learned:,} impressions of epochs {min(loop.epochs.values())} to {DAYS}")
    assert learned > 0.97 * sum(figures["num_impressions"] for figures in loop.figures.values())
    first = FIRST + timedelta(days=1)
    examples = loop.lake.read("gold.training_examples").where(F.col("ds") == F.lit(first)).count()
    print(f"the night of {max(loop.epochs)} made {examples:,} training examples of the impressions of {first}")
    assert examples > 0.95 * loop.figures[first]["num_impressions"]
    assert_same_bytes(spark, loop, max(loop.figures))


def pools(lake: Lake, ds: date) -> dict[int, list[int]]:
    """Each user's pool of a night, in its order."""
    ranked: dict[int, list[int]] = defaultdict(list)
    rows = lake.read("gold.ranked_feeds").where(f"ds = DATE'{ds}'").orderBy("user_id", "rank").collect()
    for row in rows:
        ranked[row.user_id].append(row.post_id)
    return ranked


def in_the_order_of(ranked: dict[int, list[int]], shown: list[dict[str, Any]], graph: Graph) -> int:
    """Hold the day's impressions against the pools, rank for rank; returns how many users opened a session."""
    of_user: dict[int, list[dict[str, Any]]] = defaultdict(list)
    places: dict[str, list[int]] = defaultdict(list)
    for event in sorted(shown, key=lambda event: str(event["event_time"])):
        of_user[event["user_id"]].append(event)
        position = event["position"]
        places[event["session_id"]].append(position - sum(ad <= position for ad in AD_POSITIONS))
    assert all(found == sorted(set(found)) and found[-1] <= SESSION_POSTS for found in places.values())
    num_skipped = sum(found[-1] - len(found) for found in places.values())
    for user, events in of_user.items():
        pool, posts = ranked[user], [event["post_id"] for event in events]
        ranks = [pool.index(post) for post in posts]
        assert ranks == sorted(set(ranks))
        passed = set(pool[: ranks[-1]]) - set(posts)
        num_skipped += sum(graph.may_see(user, post, events[-1]["event_time"]) for post in passed)
    assert num_skipped < 0.03 * len(shown)  # one impression in a hundred arrives on a later day, or came late before
    return len(of_user)


def print_places(by_place: dict[str, list[float]]) -> None:
    """True engagement with a session's first, second, ... post, once examined."""
    for order in ("ranked", "random"):
        print(f"  {order:7}" + "".join(f"{chance:7.1%}" for chance in by_place[order]))


def assert_same_bytes(spark: SparkSession, loop: Loop, day: date) -> None:
    folder = loop.landing / day.isoformat()
    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    respond(spark, str(loop.landing), loop.lake, day - timedelta(days=1))
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == before
    print(
        f"responding to the feeds of {day - timedelta(days=1)} again wrote the same {len(before)} files, byte for byte"
    )
