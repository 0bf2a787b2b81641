"""The response to ranked feeds: here, posts in an arbitrary order, most of which their user may not see."""

import json
import shutil
from collections import Counter
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from spark_jobs.night.lake import Lake
from spark_jobs.night.writers import write_partition
from spark_jobs.simulate import respond
from spark_jobs.simulate.ads import ads, campaigns
from spark_jobs.simulate.network import friendships as history_friendships
from spark_jobs.simulate.posts import posts
from spark_jobs.simulate.respond import world_after
from spark_jobs.simulate.serve import serve
from spark_jobs.simulate.turnover import blocks, friendships
from spark_jobs.simulate.world import FIRST_AD_ID, FIRST_USER_ID, HOUR_MS, World
from tests.landed import landed_events
from tests.spark_jobs.simulate.test_simulated_landing import violations
from tests.spark_jobs.simulate.test_simulated_truth import Graph

DS, DAY = date(2026, 3, 8), "2026-03-09"
USERS, WITHOUT_POOL = 300, 7
EPOCH = 4

pytestmark = pytest.mark.slow
"""The fixture simulates and responds twice: minutes."""


@dataclass(frozen=True)
class Responded:
    root: Path
    lake: Lake
    figures: dict[str, Any]
    first: dict[str, bytes]
    second: dict[str, bytes]
    feeds: Any
    truth: Any
    ads: Any


def rank_at_random(spark: SparkSession, root: Path) -> DataFrame:
    """150 recent posts for each user but the first few, in an order by hash; the tenth of them explores."""
    recent = spark.read.parquet(f"{root}/_truth/posts").where("day >= 0").select("post_id")
    users = spark.range(WITHOUT_POOL, USERS).select((F.col("id") + FIRST_USER_ID).alias("user_id"))
    pairs = users.crossJoin(recent).withColumn("draw", F.xxhash64("user_id", "post_id"))
    queue = F.slice(F.sort_array(F.collect_list(F.struct("draw", "post_id"))), 1, 150)
    placed = pairs.groupBy("user_id").agg(queue.alias("queue")).select("user_id", F.posexplode("queue"))
    explores = F.col("pos") == 9
    return placed.select(
        "user_id",
        (F.col("pos") + 1).alias("rank"),
        "col.post_id",
        explores.alias("is_exploration"),
        F.when(explores, 0.25).otherwise(1.0).alias("propensity"),
    )


def write_ads(lake: Lake, feeds: DataFrame) -> None:
    """Three ads in each pool, an empty place before the last."""
    users = feeds.select("user_id").distinct().withColumn("place", F.explode(F.array(*map(F.lit, (1, 2, 4)))))
    ad = F.pmod(F.col("user_id") + F.col("place"), F.lit(3))  # the platform's own, which target everybody
    columns = {"after_rank": 8 * F.col("place"), "ad_id": ad + FIRST_AD_ID, "ds": F.lit(DS)}
    columns |= {name: F.lit(0).cast("bigint") for name in ("campaign_id", "post_id", "bid_micros")}
    columns |= {name: F.lit(0.0) for name in ("p_click", "ecpm")}
    write_partition(lake, "gold.ranked_ads", users.withColumns(columns), [DS])


def write_feeds(lake: Lake, feeds: DataFrame) -> None:
    at = F.lit("2026-03-07").cast("timestamp")
    author = F.lit(0).cast("long")
    ranked = {"source_type": "friend", "content_type": "photo", "privacy": "public", "reason": "popular"}
    rows = feeds.withColumns({name: F.lit(value) for name, value in ranked.items()}).withColumns(
        {
            "author_id": author,
            "source_id": author,
            "created_at": at,
            "value_score": F.lit(0.0).cast("float"),
            "ds": F.lit(DS),
        }
    )
    write_partition(lake, "gold.ranked_feeds", rows, [DS])
    scored = rows.withColumns({"sources": F.array("source_type"), "simple_score": F.col("value_score")})
    kept = ("user_id", "post_id", "author_id", "source_type", "source_id", "sources", "created_at", "simple_score")
    write_partition(lake, "gold.feed_candidates", scored.select(*kept, "ds"), [DS])
    lake.create("gold.epochs")
    epochs = [(3, "bad"), (EPOCH, "current"), (5, "building")]
    frame = lake.spark.createDataFrame(epochs, "epoch BIGINT, status STRING").withColumns(
        {"ds": F.lit(DS), "manifest": F.lit("{}"), "audit": F.lit("{}"), "created_at": at, "updated_at": at}
    )
    frame.write.format("delta").mode("append").save(lake.path("gold.epochs"))


@pytest.fixture(scope="module")
def responded(spark: SparkSession, area: Any, tmp_path_factory: pytest.TempPathFactory) -> Responded:
    root = tmp_path_factory.mktemp("responded")
    shutil.copytree(area.root, root, ignore=shutil.ignore_patterns("2026-03-01"), dirs_exist_ok=True)
    lake = Lake(spark, str(root / "lake"))
    feeds = rank_at_random(spark, root)
    write_feeds(lake, feeds)
    write_ads(lake, feeds)
    before = str(spark.conf.get("spark.sql.shuffle.partitions"))
    runs = []
    for partitions in ("2", "5"):
        spark.conf.set("spark.sql.shuffle.partitions", partitions)
        figures = respond(spark, str(root), lake, DS)
        runs.append({path.name: path.read_bytes() for path in (root / DAY).iterdir()})
    spark.conf.set("spark.sql.shuffle.partitions", before)
    folder = root / "_truth" / "responses" / DAY
    truth = [pq.read_table(folder / name).to_pandas() for name in ("impressions", "ad_impressions")]
    return Responded(root, lake, figures, runs[0], runs[1], feeds.toPandas(), *truth)


def test_the_same_feeds_give_the_same_bytes(responded: Responded) -> None:
    assert responded.first.keys() == responded.second.keys()
    assert responded.first == responded.second


def test_days_of_the_history_stay_as_they_are(area: Any, responded: Responded) -> None:
    history = {name: content for name, content in area.second.items() if not name.startswith(DAY)}
    for name, content in history.items():
        assert (responded.root / name).read_bytes() == content
    folders = {path.name for path in responded.root.glob("????-??-??")}
    assert folders == {name.split("/")[0] for name in history} | {DAY}


def test_sessions_show_the_feed_in_order_from_where_the_last_one_stopped(responded: Responded) -> None:
    shown = responded.truth.sort_values(["user", "slot", "position"])
    assert len(shown) > 1500
    for _, rows in shown.groupby("user"):
        assert rows["rank"].is_monotonic_increasing
        assert rows["rank"].is_unique
    for _, rows in shown.groupby(["user", "slot"]):
        assert rows["place"].tolist() == list(range(1, len(rows) + 1))
        assert rows["position"].tolist() == [at for at in range(1, 19) if at not in {5, 14}][: len(rows)]


def test_sessions_are_reported_with_their_ads(responded: Responded) -> None:
    today = [
        event for event in landed_events(responded.root) if event["folder"] == DAY and event["event_time"][:10] == DAY
    ]
    visited = {event["session_id"]: event for event in today if event["event_type"] == "session"}
    shown = [event for event in today if event["event_type"] == "impression"]
    ads = [event for event in shown if "ad_id" in event]
    places = [(event["session_id"], event["position"]) for event in shown]
    assert len(set(places)) == len(places)
    assert {event["position"] for event in ads} == {5, 14}
    assert not [event for event in ads if "epoch" in event or "propensity" in event]
    for event in shown:
        if event["session_id"] in visited:
            session = visited[event["session_id"]]
            assert session["started_at"] <= event["event_time"] <= session["ended_at"]
            assert (event["device"], event["connection"]) == (session["device"], session["connection"])
            assert event["position"] <= session["scroll_depth"]
    assert 0.95 < len(visited) / responded.figures["num_sessions"] <= 1  # some are reported after midnight
    assert responded.figures["num_ad_impressions"] == len(responded.ads) > 200
    known = {event["ad_id"] for event in landed_events(responded.root) if event["event_type"] == "ad_upserted"}
    assert {event["ad_id"] for event in ads} <= known


def test_ads_are_those_that_the_night_ranked_each_once(responded: Responded) -> None:
    """The n-th place for an ad of a user's day shows the user's n-th ad; users without a pool see none."""
    shown = responded.ads.sort_values(["user", "slot", "place"]).groupby("user")["ad"].apply(list)
    assert set(shown.index) <= set(range(WITHOUT_POOL, USERS))
    for user, seen in shown.items():
        ranked = [(user + FIRST_USER_ID + place) % 3 for place in (1, 2, 4)]
        assert seen == ranked[: len(seen)] or set(seen) < set(ranked)  # blocked with an ad's author
    assert shown.map(len).max() == 3


def test_the_day_keeps_the_landing_contract(responded: Responded) -> None:
    events = [event for event in landed_events(responded.root) if event["folder"] == DAY]
    bare = [{name: value for name, value in event.items() if name != "folder"} for event in events]
    broken = [found for event in bare if (found := violations(event))]
    assert sorted(broken) == [["future"], ["unknown_type"]]


def test_nothing_is_shown_that_may_not_be_seen_and_nothing_else_is_skipped(area: Any, responded: Responded) -> None:
    graph = Graph(list(landed_events(responded.root)))
    posts_of = {
        event["post_id"]: event for event in landed_events(responded.root) if event["event_type"] == "post_created"
    }
    seen = set(zip(area.truth["user"], area.truth["post_id"], strict=True))
    ranked = {user: rows.sort_values("rank") for user, rows in responded.feeds.groupby("user_id")}
    num_skipped = 0
    for user, rows in responded.truth[~responded.truth["is_fallback"]].groupby("user"):
        user_id = user + FIRST_USER_ID
        for row in rows.itertuples():
            assert (user, row.post_id) not in seen
            assert graph.may_see(user_id, row.post_id, _iso(row.shown_ms)), row
        feed = ranked[user_id]
        skipped = set(feed[feed["rank"] < rows["rank"].max()]["post_id"]) - set(rows["post_id"])
        num_skipped += len(skipped)
        for post_id in skipped - {post for viewer, post in seen if viewer == user}:
            post = posts_of[post_id]
            # What becomes visible during the day has not been ranked for its viewer: it is left out all day.
            instants = (f"{DAY}T00:00:00.000Z", _iso(rows["started_ms"].max()))
            may = all(graph.may_see(user_id, post_id, at) for at in instants)
            # Nobody but friends of the day is delivered a custom post, though an audience names older ones too.
            known = reversed(graph.friends.get((user_id, post["author_id"]), []))
            are_friends = next((made for at, made in known if at < instants[0]), False)
            strangers = post["privacy"] == "custom" and not are_friends
            assert not may or strangers or post["author_id"] == user_id, (user_id, post)
    assert num_skipped > 10_000


def _iso(milliseconds: int) -> str:
    return datetime.fromtimestamp(milliseconds / 1000, UTC).strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3] + "Z"


def test_impressions_log_epoch_and_propensity_of_their_rank(responded: Responded) -> None:
    rank_of = {(row.user_id, row.post_id): row for row in responded.feeds.itertuples()}
    logged = [
        event
        for event in landed_events(responded.root)
        if event["event_type"] == "impression"
        and event["event_time"][:10] == DAY
        and event["folder"] == DAY
        and "ad_id" not in event
    ]
    explored = 0
    for event in logged:
        ranked = rank_of.get((event["user_id"], event["post_id"]))
        if ranked is None:
            assert event["user_id"] < FIRST_USER_ID + WITHOUT_POOL
            assert "epoch" not in event
            continue
        assert (event["epoch"], event["propensity"]) == (EPOCH, ranked.propensity)
        explored += ranked.is_exploration
    assert explored > 20
    missing = len(responded.truth) - len(logged)
    assert 0 <= missing < 0.02 * len(logged)  # one in a hundred arrives late, on a day that is not here yet


def test_users_without_a_pool_get_the_newest_open_posts(responded: Responded) -> None:
    fallback = responded.truth[responded.truth["is_fallback"]]
    assert set(fallback["user"]) <= set(range(WITHOUT_POOL))
    assert len(fallback) == responded.figures["num_fallback_impressions"] > 30
    for _, rows in fallback.sort_values(["slot", "position"]).groupby("user"):
        assert rows["created_ms"].is_monotonic_decreasing
    assert set(fallback["source_type"]) <= {"page", "friend"}


def test_reactions_follow_the_one_truth(area: Any, responded: Responded) -> None:
    shown = responded.truth
    assert list(shown.columns.intersection(area.truth.columns)) != []
    both = shown.merge(area.truth, on=["user", "author", "source_type"], suffixes=("", "_before"))
    pages = both[(both["source_type"] != "friend") | (both["is_suggested"] == 1) | (both["is_suggested_before"] == 1)]
    friends = both.drop(pages.index)
    assert len(friends) > 50
    assert (friends["tie"] == friends["tie_before"]).all()
    assert (shown.loc[shown["is_suggested"] == 1, "tie"] == 0).all()
    assert (shown.loc[~shown["is_examined"], "reaction"].isna()).all()
    engaged = shown["reaction"].notna().mean()
    likely = (shown["p_engage"] * shown["p_examine"] * (1 - shown["p_hide"])).mean()
    assert responded.figures["engagement_rate"] == pytest.approx(engaged, abs=1e-9)
    assert engaged == pytest.approx(likely, abs=0.02)


def test_orders_are_compared_on_the_same_sessions(responded: Responded) -> None:
    figures = responded.figures
    rate = figures["true_rate"]
    served = responded.truth[~responded.truth["is_fallback"]]
    expected = (served["p_engage"] * served["p_examine"] * (1 - served["p_hide"])).mean()
    assert rate["ranked"] == pytest.approx(expected, rel=1e-6)
    compared = figures["num_compared"]
    assert compared["ranked"] == len(served)
    assert all(abs(count - len(served)) < 0.01 * len(served) for count in compared.values())  # a post may go in between
    assert rate["best"] > rate["chronological"] > rate["random"]
    best = figures["by_place"]["best"]
    assert best[0] > best[5] > best[11]


def test_the_network_goes_on_by_itself(responded: Responded) -> None:
    today = [event for event in landed_events(responded.root) if event["folder"] == DAY]
    kinds = Counter(event["event_type"] for event in today)
    assert 50 <= kinds["post_created"] <= 130  # 0.2 by each user, 1.9 by each of 15 pages
    assert kinds["post_deleted"] >= 1
    assert kinds["friendship_created"] >= 5
    assert kinds["content_labelled"] >= 1
    assert {event["received_at"][:10] for event in today} == {DAY}
    late = [event for event in today if event["event_time"][:10] < DAY]
    assert {"impression", "engagement", "session"} <= {event["event_type"] for event in late}
    lines = responded.figures["lines"]
    assert sum(lines.values()) == sum(content.count(b"\n") for content in responded.second.values())
    assert [lines[kind] for kind in ("unknown_type", "unknown_user", "unknown_post", "future")] == [1, 1, 1, 1]
    assert lines["malformed"] > 0


def test_a_world_that_goes_on_keeps_its_past(spark: SparkSession, responded: Responded) -> None:
    history = World(USERS, 3, 20, DS)
    later = world_after(str(responded.root), date(2026, 3, 20))
    assert (later.days, later.start_ms) == (16, history.start_ms)
    was = {tuple(row) for row in history_friendships(spark, history).collect()}
    now = {(row.user, row.friend): row for row in friendships(spark, later).collect()}
    for user, friend, since, until in was:
        assert now[user, friend].since_ms == since
        assert now[user, friend].until_ms == until or (until is None and now[user, friend].until_ms >= history.end_ms)
    made = [row for pair, row in now.items() if pair not in {(user, friend) for user, friend, *_ in was}]
    ended = [row for row in now.values() if row.until_ms is not None and row.until_ms >= history.end_ms]
    assert min(row.since_ms for row in made) >= history.end_ms
    assert len(made) > 4 * len(ended) > 0
    before, after = (posts(spark, world).where(F.col("created_ms") < history.end_ms) for world in (history, later))
    assert before.exceptAll(after).isEmpty()
    assert after.count() == before.count()
    assert blocks(spark, later).count() > blocks(spark, history).count()


def test_campaigns_of_the_past_stay_and_others_begin(spark: SparkSession, responded: Responded) -> None:
    history = World(USERS, 3, 20, DS)
    later = world_after(str(responded.root), date(2026, 3, 20))
    was = {row.campaign: row for row in campaigns(spark, history).collect()}
    now = {row.campaign: row for row in campaigns(spark, later).collect()}
    assert {number: now[number] for number in was} == was
    begun = [row for number, row in now.items() if number not in was]
    assert begun
    assert all(row.starts_ms >= history.end_ms + HOUR_MS for row in begun)
    assert all(row.starts_ms < row.ends_ms for row in begun)
    listed = ads(later, campaigns(spark, later)).collect()
    assert {row.seat for row in listed} == set(range(3 * history.campaigns))
    assert len({row.ad for row in listed}) == len(listed) == 3 * len(now)


def test_a_drift_within_the_history_goes_on(responded: Responded, tmp_path: Path) -> None:
    drifting = World(USERS, 3, 20, DS, date(2026, 3, 7))
    (tmp_path / "_truth").mkdir()
    (tmp_path / "_truth" / "world.json").write_text(json.dumps(drifting.options))
    later = world_after(str(tmp_path), DS)
    assert (later.drift_ms, later.history_days, later.rounds) == (drifting.drift_ms, 3, 2)
    assert world_after(str(responded.root), DS).drift_ms > later.end_ms


def test_what_cannot_be_responded_to_is_refused(spark: SparkSession, responded: Responded, tmp_path: Path) -> None:
    root, lake = str(responded.root), responded.lake
    with pytest.raises(ValueError, match="2026-03-08 lies in the simulated history"):
        respond(spark, root, lake, date(2026, 3, 7))
    with pytest.raises(ValueError, match="no feeds of 2026-03-09: run that night first"):
        respond(spark, root, lake, date(2026, 3, 9))
    with pytest.raises(ValueError, match="2026-03-10 has no response: respond to the feeds of 2026-03-09 first"):
        respond(spark, root, lake, date(2026, 3, 10))
    with pytest.raises(ValueError, match=r"world\.json is missing"):
        respond(spark, str(tmp_path), lake, DS)


def test_a_session_skips_what_is_gone_and_the_next_goes_on_behind_it(spark: SparkSession) -> None:
    hour = 3_600_000
    offers = spark.createDataFrame(
        [(1, 100 + n, n, 9 * hour if n in {2, 18} else 99 * hour, False) for n in range(24)],
        "user BIGINT, post_id BIGINT, rank INT, until_ms BIGINT, is_fallback BOOLEAN",
    )
    sessions = spark.createDataFrame(
        [(1, [(0, 8 * hour), (1, 10 * hour)]), (2, [(0, 8 * hour)])],
        "user BIGINT, sessions ARRAY<STRUCT<slot: BIGINT, started_ms: BIGINT>>",
    )
    orders = {"up": F.col("rank"), "down": -F.col("rank"), "even": F.when(F.col("rank") % 2 == 0, F.col("rank"))}
    rows = serve(offers, sessions, orders).orderBy("order", "slot", "place").collect()
    shown: dict[tuple[str, int], list[int]] = {(name, slot): [] for name in orders for slot in (0, 1)}
    for row in rows:
        shown[row.order, row.slot].append(row.post_id - 100)
    assert shown["up", 0] == list(range(16))
    assert shown["up", 1] == [16, 17, 19, 20, 21, 22, 23]  # 18 was deleted in between; 2 had been shown before
    assert shown["down", 0] == list(range(23, 7, -1))
    assert shown["down", 1] == [7, 6, 5, 4, 3, 1, 0]
    assert (shown["even", 0], shown["even", 1]) == (list(range(0, 24, 2)), [])
