from collections.abc import Callable
from datetime import date
from itertools import combinations
from math import exp, log1p
from typing import Any

import numpy as np
import pytest
from pyspark.sql import DataFrame, SparkSession

from contracts.settings import Smoothing
from spark_jobs.features import affinity_features
from spark_jobs.features.mutual_friends import mutual_friends
from spark_jobs.lake import Lake, checksum
from spark_jobs.night import Night
from spark_jobs.point_in_time import on_days
from tests.silver_rows import at, put, silver

DAY = date(2026, 3, 8)
TABLES = ("posts", "impressions", "engagements", "friendships", "page_follows", "pages")
Rows = dict[str, list[dict[str, Any]]]


def both_ways(user: int, friend: int, **interval: Any) -> list[dict[str, Any]]:
    pairs = ((user, friend), (friend, user))
    return [{"user_id": one, "friend_id": other, "valid_from": at(1), **interval} for one, other in pairs]


def sample() -> Rows:
    return {
        "friendships": [*both_ways(1, 2), *both_ways(1, 3), *both_ways(2, 3), *both_ways(3, 4, valid_to=at(8, 1))],
        "pages": [{"page_id": 50, "owner_id": 6, "updated_at": at(1)}],
        "page_follows": [{"user_id": 1, "page_id": 50, "valid_from": at(2)}],
        "posts": [
            {"post_id": 1, "author_id": 2, "created_at": at(5)},
            {"post_id": 2, "author_id": 1, "created_at": at(5)},
            {"post_id": 3, "author_id": 7, "created_at": at(5)},
        ],
        "impressions": [
            {"impression_id": "a", "user_id": 1, "post_id": 1, "shown_at": at(6, 1)},
            {"impression_id": "b", "user_id": 1, "post_id": 1, "shown_at": at(7, 1)},
            {"impression_id": "own", "user_id": 1, "post_id": 2, "shown_at": at(7, 1)},
            {"impression_id": "stranger", "user_id": 5, "post_id": 3, "shown_at": at(7, 1)},
        ],
        "engagements": [
            {"engagement_id": f"e{n}", "user_id": 1, "post_id": 1, "engagement_type": kind, "engaged_at": at(*moment)}
            for n, (kind, moment) in enumerate(
                [("like", (6, 2)), ("click", (6, 12)), ("hide", (7, 2)), ("dwell", (7, 3)), ("share", (9, 1))]
            )
        ],
    }


def build(spark: SparkSession, rows: Rows, days: tuple[date, ...] = (DAY,)) -> DataFrame:
    frames = {name: silver(spark, f"silver.{name}", rows.get(name, [])) for name in TABLES}
    return affinity_features.transform(**frames, days=days, activity_days=28, smoothing=Smoothing())


def test_pairs_are_those_who_are_connected_or_met(spark: SparkSession) -> None:
    got = {(row.user_id, row.author_id): row.asDict() for row in build(spark, sample()).collect()}
    assert set(got) == {(1, 2), (2, 1), (1, 3), (3, 1), (2, 3), (3, 2), (1, 6), (5, 7)}
    expected = {
        "is_friend": 1,
        "is_follower": 0,
        "log_mutual_friends": log1p(1),
        "log_interactions": log1p(2),
        "like_rate": (1 + 20 * 0.08) / 22,
        "comment_rate": 20 * 0.02 / 22,
        "share_rate": 20 * 0.01 / 22,
        "negative_rate": (1 + 20 * 0.01) / 22,
        "recency": exp(-2.5 / 7),
    }
    assert {name: got[1, 2][name] for name in expected} == pytest.approx(expected)
    assert (got[1, 6]["is_friend"], got[1, 6]["is_follower"], got[1, 6]["recency"]) == (0, 1, 0)
    assert (got[5, 7]["is_friend"], got[5, 7]["log_interactions"]) == (0, 0)
    assert got[5, 7]["like_rate"] == pytest.approx(20 * 0.08 / 21)


def test_mutual_friends_agree_with_sets_of_friends(spark: SparkSession) -> None:
    generator = np.random.default_rng(4)
    edges = []
    for one, other in combinations(range(1, 16), 2):
        if generator.random() < 0.45:
            start, length = int(generator.integers(1, 8)), int(generator.integers(1, 6))
            edges.append((one, other, start, start + length))
            if start + length < 7:  # the edge comes back
                edges.append((one, other, start + length + 1, 30))
    rows = [
        row for one, other, start, end in edges for row in both_ways(one, other, valid_from=at(start), valid_to=at(end))
    ]
    days = [date(2026, 3, 3), date(2026, 3, 6)]
    frame = on_days(mutual_friends(silver(spark, "silver.friendships", rows), days), days)
    summed = frame.groupBy("ds", "user_id", "author_id").sum("num_mutual_friends").collect()
    expected: dict[tuple[date, int, int], int] = {}
    for day in days:
        friends: dict[int, set[int]] = {user: set() for user in range(1, 16)}
        for one, other, start, end in edges:
            if start <= day.day < end:
                friends[one].add(other)
                friends[other].add(one)
        for user, others in friends.items():
            expected |= {(day, user, other): len(others & friends[other]) for other in others}
    assert {tuple(row[:3]): row[3] for row in summed} == {pair: count for pair, count in expected.items() if count}


def test_the_backlog_is_built_once_and_a_rerun_changes_nothing(lake: Lake, make_night: Callable[..., Night]) -> None:
    for name, rows in sample().items():
        put(lake, f"silver.{name}", rows)
    affinity_features.main(make_night())
    built = lake.read(affinity_features.TABLE)
    first, days = checksum(built), sorted({row.ds.day for row in built.select("ds").collect()})
    assert days == list(range(1, 9))
    assert built.where("ds = '2026-03-07' AND user_id = 3 AND author_id = 4").count() == 1
    affinity_features.main(make_night())
    assert checksum(lake.read(affinity_features.TABLE)) == first
