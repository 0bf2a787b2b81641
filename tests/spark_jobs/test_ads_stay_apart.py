"""Ads change no organic feature, counter or example: logs with and without ads give the same."""

from datetime import date
from typing import Any

from pyspark.sql import DataFrame, SparkSession

from contracts.settings import NegativeSampling
from spark_jobs.examples.exposures import logged_exposures, sampled_exposures
from spark_jobs.examples.labels import attribute
from spark_jobs.examples.window import Window
from spark_jobs.features.interactions import event_log
from spark_jobs.rules.counters import COUNTERS, counters_before, post_events
from spark_jobs.rules.post_versions import all_versions, with_deletions
from tests.silver_rows import at, silver

WINDOW = Window(date(2026, 3, 1), date(2026, 3, 7), at(9), attribution_hours=24, dwell_hours=1, candidate_hours=72)
DAYS = [date(2026, 3, 7)]

VIEWS: list[dict[str, Any]] = [
    {"impression_id": "i1", "user_id": 1, "post_id": 1, "shown_at": at(5, 8)},
    {"impression_id": "i2", "user_id": 2, "post_id": 1, "shown_at": at(5, 9)},
]
AD_VIEWS = [{"impression_id": "ad", "user_id": 1, "post_id": 1, "shown_at": at(5, 10), "ad_id": 7}]
ACTS: list[dict[str, Any]] = [
    {"engagement_id": "e1", "user_id": 1, "post_id": 1, "engagement_type": "like", "engaged_at": at(5, 8, 1)}
]
AD_ACTS = [
    {"engagement_id": "e2", "user_id": 1, "post_id": 1, "engagement_type": kind, "engaged_at": at(5, 11), "ad_id": 7}
    for kind in ("like", "hide")
]
POSTS = [
    {"post_id": 1, "author_id": 9, "created_at": at(5)},
    {"post_id": 2, "author_id": 9, "created_at": at(5)},
]


def rows(frame: DataFrame) -> list[tuple[Any, ...]]:
    return sorted((tuple(row) for row in frame.collect()), key=str)


def test_ads_move_no_counter_feature_or_example(spark: SparkSession) -> None:
    posts = silver(spark, "silver.posts", POSTS)
    versions = with_deletions(all_versions(posts, silver(spark, "silver.post_edits")), posts)
    seen: list[dict[str, list[tuple[Any, ...]]]] = []
    for views, acts in ((VIEWS, ACTS), (VIEWS + AD_VIEWS, ACTS + AD_ACTS)):
        shown, done = silver(spark, "silver.impressions", views), silver(spark, "silver.engagements", acts)
        counters = counters_before(post_events(shown, done), at(9)).select("post_id", *COUNTERS)
        seen.append(
            {
                "counters": rows(counters),
                "log": rows(event_log(shown, done, DAYS, 28)),
                "logged": rows(logged_exposures(shown, WINDOW)),
                "sampled": rows(sampled_exposures(done, versions, WINDOW, NegativeSampling(), 20)),
            }
        )
    assert seen[0] == seen[1]
    assert seen[0]["counters"] == [(1, 2, 1, 0, 0, 0)]
    assert [row[0] for row in seen[0]["logged"]] == ["i1", "i2"]


def test_what_follows_an_ad_is_no_label_of_the_impression_before_it(spark: SparkSession) -> None:
    columns = "example_id STRING, user_id BIGINT, post_id BIGINT, shown_at TIMESTAMP"
    shown = spark.createDataFrame([("i1", 1, 1, at(5, 8)), ("ad", 1, 1, at(5, 10))], columns)
    unnamed = silver(spark, "silver.engagements", [{**AD_ACTS[0], "ad_id": None}])
    assert [row.example_id for row in attribute(shown, unnamed).collect()] == ["ad"]
