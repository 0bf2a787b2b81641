from datetime import date
from math import log1p
from typing import Any

import pytest
from pyspark.sql import SparkSession

from contracts.heads import LABEL_COLUMNS
from spark_jobs.examples.labels import attribute, mature_labels
from spark_jobs.examples.window import Window
from tests.silver_rows import at, silver

WINDOW = Window(date(2026, 3, 1), date(2026, 3, 7), at(9), attribution_hours=24, dwell_hours=1, candidate_hours=72)


def labels(
    spark: SparkSession, shown: list[tuple[Any, ...]], acts: list[dict[str, Any]]
) -> dict[str, dict[str, float]]:
    exposures = spark.createDataFrame(shown, "example_id STRING, user_id BIGINT, post_id BIGINT, shown_at TIMESTAMP")
    rows = [{"user_id": 1, "post_id": 1, "engagement_id": f"e{n}", **act} for n, act in enumerate(acts)]
    matured = mature_labels(exposures, attribute(exposures, silver(spark, "silver.engagements", rows)), WINDOW)
    return {
        row.example_id: {name.removeprefix("label_"): row[name] for name in LABEL_COLUMNS if row[name]}
        for row in matured.collect()
    }


def test_an_act_belongs_to_the_latest_exposure_before_it_unless_the_client_names_one(spark: SparkSession) -> None:
    shown = [("a", 1, 1, at(5, 8)), ("b", 1, 1, at(5, 12)), ("c", 1, 2, at(5, 9)), ("d", 2, 1, at(5, 13))]
    acts = [
        {"engagement_type": "like", "engaged_at": at(5, 11)},
        {"engagement_type": "share", "engaged_at": at(5, 12)},  # on the instant of b
        {"engagement_type": "comment", "engaged_at": at(5, 13), "impression_id": "a"},
        {"engagement_type": "hide", "engaged_at": at(5, 7)},  # before any exposure
        {"engagement_type": "report", "engaged_at": at(5, 13), "impression_id": "c"},  # of another post
        {"engagement_type": "report", "engaged_at": at(5, 13), "impression_id": "unknown"},
        {"engagement_type": "hide", "engaged_at": at(5, 14), "user_id": 2},
        {"engagement_type": "click", "engaged_at": at(5, 14), "user_id": 2},
    ]
    assert labels(spark, shown, acts) == {"a": {"like": 1, "comment": 1}, "b": {"share": 1}, "d": {"hide": 1}}


def test_an_act_counts_until_the_label_window_closes(spark: SparkSession) -> None:
    acts = [
        {"engagement_type": "like", "engaged_at": at(6, 7, 59, 59, 999_999)},
        {"engagement_type": "share", "engaged_at": at(6, 8)},
        {"engagement_type": "comment", "engaged_at": at(5, 7), "impression_id": "a"},
    ]
    assert labels(spark, [("a", 1, 1, at(5, 8))], acts) == {"a": {"like": 1}}


def test_what_was_taken_back_within_the_window_is_no_label(spark: SparkSession) -> None:
    done = {
        1: [("like", 9), ("unlike", 10)],
        2: [("like", 9), ("unlike", 10), ("like", 11)],
        3: [("like", 9), ("like", 10), ("unlike", 11)],
        4: [("comment", 9), ("comment", 10), ("uncomment", 11)],
        5: [("comment", 9), ("uncomment", 11)],
        6: [("hide", 9), ("unhide", 10), ("share", 11)],
        7: [("unlike", 9)],
    }
    acts = [
        {"post_id": post, "engagement_type": kind, "engaged_at": at(5, hour)}
        for post, each in done.items()
        for kind, hour in each
    ]
    acts += [
        {"post_id": 8, "engagement_type": "like", "engaged_at": at(5, 9)},
        {"post_id": 8, "engagement_type": "unlike", "engaged_at": at(6, 8)},  # the window has closed
    ]
    got = labels(spark, [(f"x{post}", 1, post, at(5, 8)) for post in range(1, 9)], acts)
    assert {name: found for name, found in got.items() if found} == {
        "x2": {"like": 1},
        "x4": {"comment": 1},
        "x6": {"share": 1},
        "x8": {"like": 1},
    }


def test_dwell_is_the_longest_within_its_hour(spark: SparkSession) -> None:
    shown = [("a", 1, 1, at(5, 8)), ("b", 1, 2, at(5, 8))]
    seconds = [(1, 30, 8), (1, 12, 8), (1, 99, 9), (2, 99_999, 8)]
    acts = [
        {"engagement_type": "dwell", "engaged_at": at(5, hour, 0, 5), "dwell_ms": 1000 * s, "post_id": post}
        for post, s, hour in seconds
    ]
    got = labels(spark, shown, acts)
    assert got["a"]["dwell"] == pytest.approx(log1p(30))
    assert got["b"]["dwell"] == pytest.approx(log1p(3600))
