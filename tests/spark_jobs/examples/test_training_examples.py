from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from math import cos, log1p, pi, sin
from typing import Any

import numpy as np
import pytest
from deltalake import DeltaTable
from pyarrow.parquet import read_table
from pyspark.sql import Row, SparkSession
from pyspark.sql import functions as F

from contracts.features import features_of
from contracts.settings import Dataset, Settings
from spark_jobs.examples import training_examples
from spark_jobs.examples.window import Window
from spark_jobs.features.pair import affinity_features
from spark_jobs.features.post import post_features
from spark_jobs.features.user import user_features
from spark_jobs.night.lake import Lake, checksum
from spark_jobs.night.night import Night
from tests.by_hand import LOCATED
from tests.feature_values import default_value, differ
from tests.landed import post
from tests.silver_rows import at, put, put_reading
from tests.written_posts import deletion, edit, put_posts

TABLE = training_examples.TABLE
KINDS = ("like", "comment", "share", "hide", "report", "click")


def fill(lake: Lake, seed: int) -> None:
    """Ten users, twelve posts, and a log on a ten-minute grid with ties and late arrivals."""
    generator = np.random.default_rng(seed)

    def pick(top: int) -> int:
        return int(generator.integers(0, top))

    put(lake, "silver.users", [{"user_id": n, "valid_from": at(1)} for n in range(10)])
    friends = [{"user_id": n, "friend_id": (n + k) % 10, "valid_from": at(2)} for n in range(10) for k in (1, 9)]
    put(lake, "silver.friendships", friends)
    put(
        lake,
        "silver.posts",
        [{"post_id": n, "author_id": n % 10, "created_at": at(5, pick(12)), "hashtags": ["food"]} for n in range(12)],
    )
    views, acts = [], []
    for number in range(500):
        moment = at(5, 12) + timedelta(minutes=10 * pick(84 * 6))
        row: dict[str, Any] = {"user_id": pick(10), "post_id": pick(12)}
        row["received_at"] = moment + timedelta(minutes=10 * int(generator.choice([0, 0, 0, 1, 200])))
        if number % 2:
            views.append({**row, "impression_id": f"v{number}", "shown_at": moment, "position": 1 + pick(9)})
        else:
            kind = KINDS[pick(len(KINDS))]
            acts.append({**row, "engagement_id": f"e{number}", "engagement_type": kind, "engaged_at": moment})
    put(lake, "silver.impressions", views)
    put(lake, "silver.engagements", acts)


@pytest.fixture(scope="module")
def night(spark: SparkSession, tmp_path_factory: pytest.TempPathFactory) -> Night:
    """A night whose examples are built; user 50 and post 50 are alone, user 1 meets posts at midnight."""
    folder = tmp_path_factory.mktemp("examples")
    lake = Lake(spark, str(folder / "lake"))
    fill(lake, 1)
    put(lake, "silver.impressions", [impression(f"m{n}", 1, n, at(7)) for n in range(12)])
    put(
        lake,
        "silver.users",
        [{"user_id": 50, "valid_from": at(1), "country": "NL"}, {"user_id": 51, "valid_from": at(1)}],
    )
    places = [("country", "NL", 1), ("city", "Kyiv", 1), ("city", "Pune", 2)]
    known = {"num_users": 5, "share": 0.5, "ds": date(2026, 3, 8)}
    put(
        lake, "gold.locations", [{"kind": kind, "location": name, "rank": rank, **known} for kind, name, rank in places]
    )
    first = post(50, 51, "first", "2026-03-07T12:00:00Z", hashtags=["food"], text="four")
    rewritten = {"content_type": "video", "hashtags": ["travel"], "text": "fourteen chars", "author_id": 52}
    late = edit(first, "edit", "2026-03-07T20:00:00Z", "2026-03-07T21:00:00Z", **rewritten)
    put_posts(lake, [first, late, deletion(50, "gone", "2026-03-08T12:00:00Z")])
    shown = {"alone": at(7, 18), "open": at(8, 1), "too early": at(7, 11)}
    shown |= {"not received": at(7, 20, 30), "edited": at(7, 21)}
    put(lake, "silver.impressions", [impression(name, 50, 50, moment) for name, moment in shown.items()])
    # A session of user 51: four impressions a minute apart, the second of them received an hour late.
    session = [{**impression(f"s{n}", 51, 0, at(6, 20, n)), "session_id": "evening"} for n in range(4)]
    session[1]["received_at"] = at(6, 21)
    put(
        lake,
        "silver.impressions",
        [{**row, "device": "tablet", "connection": "wifi", "city": "Pune"} for row in session],
    )
    act = {"user_id": 50, "post_id": 50, "engagement_type": "like", "engaged_at": at(7, 18)}
    acts = [
        {**act, "engagement_id": "l"},
        {**act, "engagement_id": "s", "engagement_type": "share", "received_at": at(9)},
    ]
    put(lake, "silver.engagements", acts)
    put_reading(lake, 50, at(7, 12), date(2026, 3, 7), 0.5)
    put_reading(lake, 50, at(7, 20), date(2026, 3, 7), -0.5)
    night = Night(lake, date(2026, 3, 8), str(folder), folder, Settings())
    for job in (affinity_features, user_features, training_examples):
        job.main(night)
    return night


def impression(name: str, user_id: int, post_id: int, moment: datetime) -> dict[str, Any]:
    row = {"impression_id": name, "user_id": user_id, "post_id": post_id, "shown_at": moment}
    return {**row, "position": 3, "propensity": 0.25}


def examples(night: Night) -> dict[str, Row]:
    return {row.example_id: row for row in night.read(TABLE).collect()}


def naive_features(lake: Lake, delay: timedelta = timedelta(0)) -> dict[str, tuple[float, ...]]:
    """Log counts of each impression's post by the rule word for word; ``delay`` breaks it on purpose."""
    shown = lake.read("silver.impressions")
    acts = lake.read("silver.engagements").select("post_id", "engagement_type", "engaged_at", "received_at")
    views = shown.select("post_id", F.lit("impression"), "shown_at", "received_at")
    log = acts.union(views).toDF("of", "kind", "event_time", "known_at")
    wait = F.lit(delay)
    visible = (F.col("event_time") + wait < F.col("shown_at")) & (F.col("known_at") + wait <= F.col("shown_at"))
    seen = shown.join(log, (F.col("post_id") == F.col("of")) & visible, "left").groupBy("impression_id")
    kinds = ("impression", "like", "comment", "share")
    counts = seen.agg(*(F.log1p(F.count(F.when(F.col("kind") == kind, 1))).cast("float") for kind in kinds))
    return {row[0]: tuple(row[1:]) for row in counts.collect()}


def test_counters_see_what_was_visible_at_the_impression_and_nothing_else(night: Night) -> None:
    rows = examples(night)
    names = ("post_log_views", "post_log_likes", "post_log_comments", "post_log_shares")
    got = {example: tuple(row[name] for name in names) for example, row in rows.items()}
    assert len(got) > 100
    truth = naive_features(night.lake)
    assert got == {example: truth[example] for example in got}
    assert all(row.num_prior_likes == round(np.expm1(row.post_log_likes)) for row in rows.values())
    # The comparison would notice a leak of one minute.
    leaked = naive_features(night.lake, timedelta(minutes=1))
    assert got != {example: leaked[example] for example in got}
    assert {row.ds for row in rows.values()} == {date(2026, 3, day) for day in (5, 6, 7)}


def test_snapshots_are_the_newest_taken_by_the_impression(night: Night) -> None:
    users = {(row.user_id, row.ds): row for row in night.read("gold.user_features").collect()}
    pairs = {(row.user_id, row.author_id, row.ds): row for row in night.read("gold.affinity_features").collect()}
    matched, rows = 0, examples(night).values()
    for row in rows:
        before = row.ds - timedelta(days=1)
        user, author = users.get((row.user_id, before)), users.get((row.author_id, before))
        pair = pairs.get((row.user_id, row.author_id, before))
        for feature in features_of("user"):
            if feature.name in LOCATED:
                continue
            expected = user[feature.name] if user else default_value(feature)
            assert not differ(row[feature.example_column], expected), feature.name
        for feature in features_of("pair"):
            assert row[feature.example_column] == np.float32(pair[feature.name] if pair else feature.default)
        assert row.post_author_log_friends == (author.log_friends if author else 0)
        matched += pair is not None
    assert 0 < matched < len(rows)


def test_a_location_is_that_of_the_night_not_of_the_snapshot(night: Night) -> None:
    """Snapshots from before the night knew no location; the one of the day knows those that its examples know."""
    rows = examples(night)
    users = {(row.user_id, row.ds.day): row for row in night.read("gold.user_features").collect()}
    assert (users[50, 6].location, rows["alone"].user_location) == (0, pytest.approx(log1p(500)))
    assert users[50, 8].location == rows["alone"].user_location
    # Four views in Pune, on the 6th; the example of the 7th is of another user, who was nowhere.
    assert users[51, 8].city_2_ratio == pytest.approx((4 + 20 * 0.25) / 24)
    assert users[51, 6].city_2_ratio == pytest.approx(0.25)
    assert [(seen.city, seen.views) for seen in users[51, 6].city_views] == [("Pune", 4)]


def test_post_features_at_midnight_equal_those_of_an_example_at_midnight(night: Night) -> None:
    post_features.main(replace(night, ds=date(2026, 3, 6)))
    names = [feature.name for feature in features_of("post")]
    served = night.read("gold.post_features").where("ds = '2026-03-06'").select("post_id", *names)
    shown = night.read(TABLE).where("example_id LIKE 'm%'")
    trained = shown.select("post_id", *(F.col(f"post_{name}").alias(name) for name in names))
    assert served.count() == 12
    assert checksum(served) == checksum(trained)


def test_an_example_is_written_when_its_label_window_has_closed(night: Night) -> None:
    rows = examples(night)
    assert "open" not in rows
    assert "too early" not in rows  # the post did not exist
    row = rows["alone"]
    assert (row.position, row.propensity, row.exposure, row.weight) == (3, 0.25, "logged", 1.0)
    # The like on the very instant is a label and no feature; the share was not received by the as-of.
    assert (row.label_like, row.label_share, row.num_prior_likes) == (1.0, 0.0, 0)
    expected = {
        "hour_sin": sin(1.5 * pi),
        "hour_cos": cos(1.5 * pi),
        "is_morning": 0,
        "is_afternoon": 0,
        "is_evening": 1,
        "weekday_sin": sin(5 * 2 * pi / 7),
        "weekday_cos": cos(5 * 2 * pi / 7),
        "is_weekend": 1,
        "is_mobile": 1,
        "is_tablet": 0,
        "is_desktop": 0,
        "is_wifi": 0.5,  # not logged, and nothing known of the user
        "city_1": 0.25,
        "session_views": log1p(1),  # one at 11, of the same session
        "session_minutes": log1p(7 * 60),
        "is_new_session": 0,
    }
    assert {name: row[f"context_{name}"] for name in expected} == pytest.approx(expected, abs=1e-6)
    assert row.post_age_days == pytest.approx(log1p(0.25))
    assert row.post_sentiment == 0.5  # the text was edited two hours later
    assert {other.post_sentiment for other in examples(night).values() if other.post_id != 50} == {0.0}


def test_an_example_sees_the_version_of_its_post_that_had_been_received(night: Night) -> None:
    rows = examples(night)
    columns = ("post_is_status", "post_topic_food", "post_log_length", "post_sentiment", "author_id")
    old = (1, 1, log1p(4), 0.5, 51)
    expected = {"alone": old, "not received": old, "edited": (0, 0, log1p(14), -0.5, 52)}
    for name, values in expected.items():
        assert [rows[name][column] for column in columns] == pytest.approx(values), name
    assert (rows["edited"].post_is_video, rows["edited"].post_topic_travel) == (1, 1)


def test_a_session_is_known_as_far_as_it_was_received(night: Night) -> None:
    rows = [row for name, row in sorted(examples(night).items()) if name in {"s0", "s1", "s2", "s3"}]
    got = [(row.context_session_views, row.context_session_minutes, row.context_is_new_session) for row in rows]
    expected = [(0, 0, 1), (1, 1, 0), (1, 2, 0), (2, 3, 0)]
    for have, (views, minutes, is_new) in zip(got, expected, strict=True):
        assert have == pytest.approx((log1p(views), log1p(minutes), is_new))
    assert all(row[f"context_city_{rank}"] == (rank == 2) for row in rows for rank in range(1, 5))
    assert {(row.context_is_tablet, row.context_is_mobile, row.context_is_wifi) for row in rows} == {(1, 1, 1)}


def test_a_source_without_impressions_gives_engagements_and_sampled_negatives(night: Night) -> None:
    settings = replace(Settings(), dataset=Dataset(has_impressions=False))
    rows = training_examples.transform(
        posts=night.read("silver.posts"),
        edits=night.read("silver.post_edits"),
        impressions=night.read("silver.impressions").where("false"),
        engagements=night.read("silver.engagements"),
        user_features=night.read("gold.user_features"),
        affinity_features=night.read("gold.affinity_features"),
        propensities=night.read("gold.propensities"),
        contents=night.read("gold.content_embeddings"),
        locations=night.read("gold.locations"),
        window=Window.of(night),
        settings=settings,
    ).collect()
    positives = [row for row in rows if "-" not in row.example_id]
    negatives = [row for row in rows if "-" in row.example_id]
    assert len(positives) > 50
    assert len(negatives) > 2 * len(positives)
    heads = [f"label_{head}" for head in ("like", "comment", "share", "hide", "report", "dwell")]
    assert all(row.label_like or row.label_comment or row.label_share for row in positives)
    assert not any(row[head] for row in negatives for head in heads)
    assert {row.exposure for row in rows} == {"sampled"}
    for feature in features_of("context"):
        if feature.expected and feature.group != "hour":
            assert all(row[feature.example_column] == row[f"user_{feature.expected}"] for row in rows), feature.name


def test_labels_weigh_the_inverse_of_the_examined_probability_of_their_position(night: Night) -> None:
    curve = [("feed", at_position, 1 / at_position, night.ds) for at_position in range(1, 10)]
    frame = training_examples.transform(
        posts=night.read("silver.posts"),
        edits=night.read("silver.post_edits"),
        impressions=night.read("silver.impressions"),
        engagements=night.read("silver.engagements"),
        user_features=night.read("gold.user_features"),
        affinity_features=night.read("gold.affinity_features"),
        propensities=night.spark.createDataFrame(curve, "surface STRING, position INT, examined DOUBLE, ds DATE"),
        contents=night.read("gold.content_embeddings"),
        locations=night.read("gold.locations"),
        window=Window.of(night),
        settings=night.settings,
    )
    rows = frame.select("example_id", "position", "weight").collect()
    assert {row.example_id for row in rows} == set(examples(night))
    assert np.mean([row.weight for row in rows]) == pytest.approx(1, abs=1e-6)
    assert np.ptp([row.weight / row.position for row in rows]) == pytest.approx(0, abs=1e-6)


def in_file_order(night: Night) -> list[str]:
    files = sorted(DeltaTable(night.lake.path(TABLE)).file_uris(), key=lambda uri: uri.split("/")[-2:])
    return [str(example) for uri in files for example in read_table(uri, columns=["example_id"])[0].to_pylist()]


def test_a_rerun_writes_the_same_rows_in_the_same_order_and_late_events_touch_only_what_could_see_them(
    night: Night,
) -> None:
    first, order, before = checksum(night.read(TABLE)), in_file_order(night), examples(night)
    training_examples.main(night)
    assert checksum(night.read(TABLE)) == first
    assert in_file_order(night) == order
    assert len(order) == len(before)

    late = {"engagement_id": "late", "user_id": 77, "post_id": 3, "engagement_type": "like"}
    put(night.lake, "silver.engagements", [{**late, "engaged_at": at(6, 1), "received_at": at(7, 9)}])
    training_examples.main(night)
    after = examples(night)
    saw = {name for name, row in before.items() if row.post_id == 3 and row.shown_at.astimezone(UTC) >= at(7, 9)}
    assert saw
    assert {name for name, row in before.items() if row != after[name]} == saw
    assert all(after[name].num_prior_likes == before[name].num_prior_likes + 1 for name in saw)
