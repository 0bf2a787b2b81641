"""Which posts are queued for labelling, and in which order."""

from collections.abc import Callable
from dataclasses import replace
from datetime import date
from math import log, log1p

import pytest
from pyspark.sql import DataFrame, Row, SparkSession
from pyspark.sql import functions as F

from contracts.settings import Labels
from contracts.settings.load import load
from contracts.settings.problems import SettingsError
from spark_jobs.features.post import labelling_queue
from spark_jobs.features.post.labelling_queue import TABLE
from spark_jobs.night.gate.gate import run_gate
from spark_jobs.night.lake import checksum
from spark_jobs.night.night import Night
from spark_jobs.night.writers import write_partition
from tests.silver_rows import at, put, put_views, silver, verdict

LABELS = Labels(queue_posts=10, random_every=5)
NUM_POSTS = 60


def judged(spark: SparkSession) -> tuple[DataFrame, DataFrame]:
    """Posts 0 to 59: the least certain has the highest number, but post 0 is seen by so many that it comes first."""
    posts = [(n, log1p(10_000.0 if n == 0 else 3.0)) for n in range(NUM_POSTS)]
    risks = [(n, 0.1 if n == 0 else n / 120, 0.01, 0.5) for n in range(NUM_POSTS)]
    return (
        spark.createDataFrame(posts, "post_id BIGINT, log_views FLOAT"),
        spark.createDataFrame(risks, "post_id BIGINT, clickbait FLOAT, nsfw FLOAT, misinformation FLOAT"),
    )


def queued(
    spark: SparkSession, labels: Labels = LABELS, salt: str = "a night", **verdicts: list[int]
) -> dict[str, list[Row]]:
    posts, risks = judged(spark)
    rows = [
        verdict(n, at(1), label=label, labeller_id=person)
        for label, numbers in verdicts.items()
        for n in numbers
        for person in ("ann", "eve")
    ]
    given = silver(spark, "silver.content_labels", [*rows, verdict(58, at(1))])
    queue = labelling_queue.transform(posts, risks, given, labels, salt).orderBy("label", "rank").collect()
    return {label: [row for row in queue if row.label == label] for label in labels.shares}


def test_the_least_certain_come_first_and_every_fifth_is_drawn_at_random(spark: SparkSession) -> None:
    queue = queued(spark, clickbait=[57, 59])
    for rows in queue.values():
        assert [row["rank"] for row in rows] == list(range(1, 11))
        assert [row["rank"] for row in rows if row.reason == "random"] == [5, 10]
        assert len({row.post_id for row in rows}) == 10
    rows = queue["clickbait"]
    drawn = {row.post_id for row in rows if row.reason == "random"}
    # 57 and 59 have two verdicts; 58 has one, which is not enough.
    expected = [n for n in (0, 58, *range(56, 0, -1)) if n not in drawn][:8]
    assert [row.post_id for row in rows if row.reason == "uncertain"] == expected
    assert [row.probability for row in queue["nsfw"]] == pytest.approx([0.01] * 10)


def test_worth_is_uncertainty_times_reach(spark: SparkSession) -> None:
    rows = [(0.5, log1p(0.0)), (0.1, log1p(98.0)), (1.0, log1p(98.0))]
    frame = spark.createDataFrame(rows, "probability FLOAT, log_views FLOAT")
    found = [row.worth for row in frame.select(labelling_queue.worth().alias("worth")).collect()]
    assert found == pytest.approx([0.25 * log(2), 0.09 * log(100), 0.0], rel=1e-5)


def test_random_posts_are_drawn_from_all_whatever_the_models_say(spark: SparkSession) -> None:
    """Over thirty nights every kind of post is drawn about as often, also those that a model is sure of."""
    posts, risks = judged(spark)
    verdicts = silver(spark, "silver.content_labels")
    drawn: list[int] = []
    for salt in range(15):
        queue = labelling_queue.transform(posts, risks, verdicts, Labels(queue_posts=10, random_every=2), str(salt))
        drawn += [row.post_id for row in queue.where("reason = 'random' AND label = 'clickbait'").collect()]
    assert len(drawn) == 75
    assert 0.3 < sum(n < NUM_POSTS / 2 for n in drawn) / 75 < 0.7
    assert len(set(drawn)) > 30


def test_few_posts_fill_the_places_that_they_can(spark: SparkSession) -> None:
    labels = Labels(queue_posts=200, random_every=5)
    rows = queued(spark, labels)["nsfw"]
    assert [row["rank"] for row in rows] == list(range(1, NUM_POSTS + 1))
    assert {row.post_id for row in rows} == set(range(NUM_POSTS))
    assert sum(row.reason == "random" for row in rows) == 40
    with pytest.raises(SettingsError, match=r"labels\.random_every = 1: allowed is a whole number from 2"):
        load(None, None, ["labels.random_every=1"])


@pytest.fixture
def night(make_night: Callable[..., Night]) -> Night:
    """Six posts: all right, deleted, private, no longer ranked, judged often, judged by two texts."""
    night = make_night(date(2026, 3, 7))
    posts = [{"post_id": n, "created_at": at(6)} for n in range(6)]
    put(
        night.lake, "silver.posts", [{**posts[0]}, {**posts[1], "is_deleted": True}, {**posts[2], "privacy": "only_me"}]
    )
    put(night.lake, "silver.posts", posts[3:])
    views = [(n, 1.0, night.ds) for n in (0, 1, 2, 4, 5)] + [(3, 1.0, date(2026, 3, 6))]
    put_views(night.lake, night.spark.createDataFrame(views, "post_id BIGINT, log_views FLOAT, ds DATE"))
    rows = [{"post_id": n, "text_at": at(6), "ds": night.ds, "clickbait": 0.1} for n in range(6)]
    rows += [{"post_id": 5, "text_at": at(7), "ds": night.ds, "clickbait": 0.4}]
    rows += [{"post_id": 0, "text_at": at(6), "ds": date(2026, 3, 8), "clickbait": 0.9}]
    blank = {"nsfw": 0.01, "misinformation": 0.02, "label_version": "0123456789abcdef"}
    put(night.lake, "gold.content_risks", [{**blank, **row} for row in rows])
    verdicts = [verdict(4, at(6, 5), labeller_id=name) for name in ("ann", "eve")]
    late = [verdict(0, at(6, 5), labeller_id=name, received_at=at(9)) for name in ("ann", "eve")]
    put(night.lake, "silver.content_labels", [*verdicts, *late])
    return night


def test_a_night_asks_for_live_posts_that_others_may_see_and_that_may_still_be_ranked(night: Night) -> None:
    labelling_queue.main(night)
    rows = night.read(TABLE).orderBy("rank").collect()
    found = {label: [row.post_id for row in rows if row.label == label] for label in ("clickbait", "nsfw")}
    assert set(found["clickbait"]) == {0, 5}
    assert set(found["nsfw"]) == {0, 4, 5}
    chances = {row.post_id: row.probability for row in rows if row.label == "clickbait"}
    assert chances == {0: pytest.approx(0.1), 5: pytest.approx(0.4)}  # of the newest text, by the night
    assert run_gate(night, TABLE)["success"]
    before = checksum(night.read(TABLE))
    labelling_queue.main(night)
    assert checksum(night.read(TABLE)) == before
    labelling_queue.main(replace(night, ds=date(2026, 3, 8)))
    assert checksum(night.read(TABLE)) == before  # nothing is ranked that night


BROKEN = (
    (0, "probability", "float('nan')", "column_values_to_be_between"),
    (0, "rank", "7", "every_place_has_its_own_post"),
    (5, "post_id", "2L", "others_may_see_it"),
    (5, "reason", "'guess'", "column_values_to_be_in_set"),
)


def test_the_gate_finds_every_broken_row(night: Night) -> None:
    labelling_queue.main(night)
    broken = night.read(TABLE).withColumn("_post", F.col("post_id"))
    for post_id, column, value, _ in BROKEN:
        broken = broken.withColumn(column, F.when(F.col("_post") == post_id, F.expr(value)).otherwise(F.col(column)))
    write_partition(night.lake, TABLE, broken.drop("_post").localCheckpoint(), [night.ds])
    verdict_of_gate = run_gate(night, TABLE)
    failed = {result["expectation"] for result in verdict_of_gate["results"] if not result["success"]}
    assert not verdict_of_gate["success"]
    assert failed >= {check for *_, check in BROKEN}
