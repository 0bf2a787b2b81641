"""Which version of an edited and deleted post an instant sees, from silver."""

from datetime import date, datetime
from typing import Any

import pytest
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from spark_jobs.features.interactions import posts_written, with_posts
from spark_jobs.rules.point_in_time import seen_day
from spark_jobs.rules.post_versions import (
    all_versions,
    is_gone_at,
    is_gone_before,
    is_version_before,
    join_versions,
    with_deletions,
)
from tests.landed import post
from tests.silver_rows import at, silver
from tests.written_posts import clean_posts, deletion, edit

FIRST = post(1, 1, "a", "2026-03-05T12:00:00Z", "2026-03-05T12:00:10Z", text="first")
EVENTS = [
    FIRST,
    edit(FIRST, "b", "2026-03-05T13:00:00Z", "2026-03-08T01:00:00Z", text="made second, received last"),
    edit(FIRST, "c", "2026-03-06T12:00:00Z", "2026-03-07T00:00:00Z", text="third", author_id=2),
    edit(FIRST, "d", "2026-03-07T12:00:00Z", "2026-03-07T12:00:00Z", text="fourth"),
    deletion(1, "gone", "2026-03-08T06:00:00Z", "2026-03-09T00:00:00Z"),
    deletion(1, "gone again", "2026-03-08T12:00:00Z"),
    post(2, 1, "other", "2026-03-05T12:00:00Z", text="never edited"),
]
SEEN: dict[datetime, str | None] = {
    at(5, 11): None,
    at(5, 12): None,
    at(5, 12, 0, 9, 999_999): None,
    at(5, 12, 0, 10): "first",
    at(6, 23, 59, 59, 999_999): "first",  # of the second nothing had been received, nor of the third
    at(7): "third",
    at(7, 12): "third",  # what happens at the instant is not seen
    at(7, 12, 0, 0, 1): "fourth",
    at(8, 2): "fourth",  # an older version came in
    at(20): "fourth",
}


@pytest.fixture(scope="module")
def tables(spark: SparkSession) -> tuple[DataFrame, DataFrame]:
    return clean_posts(spark, EVENTS)


def points(spark: SparkSession, moments: list[datetime]) -> DataFrame:
    return spark.createDataFrame([(1, moment) for moment in moments], "post_id BIGINT, t TIMESTAMP")


def test_an_instant_sees_the_newest_version_that_had_been_received(
    spark: SparkSession, tables: tuple[DataFrame, DataFrame]
) -> None:
    rows = join_versions(points(spark, list(SEEN)), all_versions(*tables).select(*KEPT), "t").collect()
    assert {row.t: row.text for row in rows} == {naive(t): text for t, text in SEEN.items() if text is not None}
    assert len(rows) == len([text for text in SEEN.values() if text is not None])


KEPT = ("post_id", "text", "visible_from", "visible_until")


def naive(moment: datetime) -> datetime:
    return moment.astimezone().replace(tzinfo=None)


def test_a_snapshot_sees_what_came_before_its_midnight(tables: tuple[DataFrame, DataFrame]) -> None:
    versions = with_deletions(all_versions(*tables), tables[0]).where("post_id = 1")
    days = (5, 6, 7, 8, 9, 10)
    columns = [F.max(F.when(is_version_before(F.lit(at(day))), F.col("text"))).alias(f"text_{day}") for day in days]
    columns += [F.count_if(is_version_before(F.lit(at(day)))).alias(f"standing_{day}") for day in days]
    columns += [F.max(is_gone_before(F.lit(at(day)))).alias(f"gone_{day}") for day in days]
    row = versions.agg(*columns).first()
    assert row is not None
    assert [row[f"text_{day}"] for day in days] == [None, "first", "first", "fourth", "fourth", "fourth"]
    assert [row[f"standing_{day}"] for day in days] == [0, 1, 1, 1, 1, 1]
    # The second deletion could be seen first.
    assert [row[f"gone_{day}"] for day in days] == [False, False, False, False, True, True]


def test_a_post_is_gone_from_its_deletion_on(spark: SparkSession, tables: tuple[DataFrame, DataFrame]) -> None:
    moments = [at(8, 7), at(8, 12), at(8, 12, 0, 0, 1), at(9)]
    versions = with_deletions(all_versions(*tables), tables[0])
    seen = join_versions(points(spark, moments), versions, "t").orderBy("t")
    assert [row.gone for row in seen.select(is_gone_at("t").alias("gone")).collect()] == [False, False, True, True]
    assert versions.where("post_id = 2").select("is_deleted", "deleted_at").collect() == [(False, None)]


def test_an_engagement_is_about_the_post_as_it_was_and_counts_when_that_was_known(
    spark: SparkSession, tables: tuple[DataFrame, DataFrame]
) -> None:
    acts: list[dict[str, Any]] = [
        {"post_id": 1, "event_time": at(5, 12, 0, 5), "received_at": at(5, 12, 0, 6)},
        {"post_id": 1, "event_time": at(6, 12), "received_at": at(6, 12)},
        {"post_id": 1, "event_time": at(7, 1), "received_at": at(9, 1)},
        {"post_id": 1, "event_time": at(20), "received_at": at(20)},
        {"post_id": 2, "event_time": at(4), "received_at": at(4)},
    ]
    names = "post_id BIGINT, event_time TIMESTAMP, received_at TIMESTAMP"
    log = spark.createDataFrame([tuple(act.values()) for act in acts], names)
    log = log.withColumn("seen_day", seen_day("event_time", "received_at"))
    rows = with_posts(log, all_versions(*tables)).orderBy("post_id", "event_time").collect()
    seen = [(row.post_id, row.length, row.author_id, row.seen_day) for row in rows]
    assert seen == [
        (1, len("first"), 1, date(2026, 3, 5)),
        (1, len("first"), 1, date(2026, 3, 6)),
        (1, len("third"), 2, date(2026, 3, 9)),
        (1, len("fourth"), 1, date(2026, 3, 20)),
        (2, len("never edited"), 1, date(2026, 3, 5)),  # nobody knew the post on the 4th
    ]
    written = posts_written(all_versions(*tables), [date(2026, 3, 8)], 28)
    assert sorted(row.length for row in written.collect()) == [len("first"), len("never edited")]


def test_a_row_from_before_silver_kept_versions_counts_as_the_only_one(spark: SparkSession) -> None:
    row = {"post_id": 1, "author_id": 1, "created_at": at(5), "updated_at": at(6), "is_deleted": True}
    old = silver(spark, "silver.posts", [row])
    versions = with_deletions(all_versions(old, silver(spark, "silver.post_edits")), old)
    seen = join_versions(points(spark, [at(5, 1), at(6, 1)]), versions, "t").withColumn("gone", is_gone_at("t"))
    assert [(found.t, found.gone) for found in seen.collect()] == [(naive(at(6, 1)), True)]
    assert posts_written(versions, [date(2026, 3, 8)], 28).count() == 1


def test_what_happens_at_the_very_instant_of_a_creation_is_with_the_post(spark: SparkSession) -> None:
    first = post(3, 1, "made", "2026-03-05T12:00:00Z", text="first")
    versions = all_versions(*clean_posts(spark, [first, edit(first, "edited", "2026-03-05T13:00:00Z", text="second")]))
    asked = {at(5, 11, 59, 59, 999_999): None, at(5, 12): "first", at(5, 13): "first", at(5, 13, 0, 0, 1): "second"}
    times = spark.createDataFrame([(3, moment) for moment in asked], "post_id BIGINT, t TIMESTAMP")
    rows = join_versions(times, versions.select(*KEPT), "t").collect()
    assert {row.t: row.text for row in rows} == {naive(t): text for t, text in asked.items() if text is not None}
