"""Pools that are much the same for everyone stop a night that had enough to choose from."""

from dataclasses import replace
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pyspark.sql import DataFrame, SparkSession

from contracts.settings import AuditThresholds, NewUsers, Settings
from spark_jobs.audit import personal
from spark_jobs.audit.checks import Check
from spark_jobs.night.night import Night
from tests.feed_rows import DS, MemoryLake, frame_of, hours

LIMITS = AuditThresholds(personal_from_posts=5)
KNOWN_ACTS = NewUsers().known_acts


def pools_of(spark: SparkSession, pools: dict[int, list[int]], authors: dict[int, int] | None = None) -> DataFrame:
    rows = [
        {"user_id": user, "rank": rank, "post_id": post, "author_id": (authors or {}).get(post, post)}
        for user, posts in pools.items()
        for rank, post in enumerate(posts, 1)
    ]
    return frame_of(spark, "gold.ranked_feeds", rows)


def candidates_of(spark: SparkSession, pools: dict[int, list[int]], popular: set[int]) -> DataFrame:
    rows = [
        {"user_id": user, "post_id": post, "sources": ["popular"] if post in popular else ["taste", "popular"]}
        for user, posts in pools.items()
        for post in posts
    ]
    return frame_of(spark, "gold.feed_candidates", rows)


def test_overlap_is_that_of_all_pairs(spark: SparkSession) -> None:
    draw = np.random.default_rng(5)
    pools = {user: draw.choice(40, 12, replace=False).tolist() for user in range(9)}
    pairs = [len(set(pools[one]) & set(pools[other])) / 12 for one, other in combinations(pools, 2)]
    assert personal.overlap(pools_of(spark, pools)) == pytest.approx(np.mean(pairs))
    assert personal.overlap(pools_of(spark, {1: [1, 2], 2: [2, 1]})) == 1.0
    assert personal.overlap(pools_of(spark, {1: [1, 2]})) is None


def test_ten_authors_are_the_ten_with_most_places_and_nobody_is_none_of_them(spark: SparkSession) -> None:
    one_each = {1: list(range(20))}
    assert personal.share_of_authors(pools_of(spark, one_each)) == 0.5
    busy = pools_of(spark, one_each, authors=dict.fromkeys(range(11), 99))
    assert personal.share_of_authors(busy) == 1.0
    rows = [{"user_id": 1, "rank": n, "post_id": n, "author_id": None} for n in range(1, 21)]
    assert personal.share_of_authors(frame_of(spark, "gold.ranked_feeds", rows)) == 0.5
    assert personal.share_of_authors(pools_of(spark, {})) is None


def act(user: int, number: int) -> dict[str, Any]:
    row = {"engagement_id": f"{user}-{number}", "user_id": user, "post_id": number, "engagement_type": "like"}
    return {**row, "engaged_at": hours(2), "received_at": hours(2), "event_date": DS}


def checks(spark: SparkSession, folder: Path, pools: dict[int, list[int]], popular: set[int]) -> dict[str, Check]:
    posts: list[dict[str, Any]] = [{"post_id": n, "author_id": n} for n in range(6)]
    acts = [act(user, number) for user in pools for number in range(KNOWN_ACTS)]
    rows = {"silver.posts": posts, "silver.engagements": [*acts, act(77, 0)]}
    night = Night(MemoryLake(spark, "memory", rows), DS, "", folder, Settings())
    found = personal.check_personal(night, pools_of(spark, pools), candidates_of(spark, pools, popular), LIMITS)
    few = personal.check_personal(
        night, pools_of(spark, pools), candidates_of(spark, pools, popular), replace(LIMITS, personal_from_posts=7)
    )
    assert [(one.name, one.value, one.threshold, one.passed) for one in few] == [
        (one.name, one.value, None, True) for one in found
    ], "of six posts not much can be asked"
    return {one.name: one for one in found}


def test_pools_that_are_the_same_for_everyone_stop_the_night(spark: SparkSession, tmp_path: Path) -> None:
    same = checks(spark, tmp_path, {1: [1, 2, 3], 2: [1, 2, 3], 3: [1, 2, 3]}, popular={1, 2})
    assert {name: (one.value, one.passed) for name, one in same.items()} == {
        "overlap_of_two_pools": (1.0, False),
        "share_of_users_with_an_impersonal_pool": (1.0, False),
        "share_of_ten_authors_in_top_16": (1.0, False),
    }


def test_of_users_without_a_known_taste_nothing_is_asked(spark: SparkSession, tmp_path: Path) -> None:
    posts: list[dict[str, Any]] = [{"post_id": n, "author_id": n} for n in range(6)]
    acts = [act(1, number) for number in range(KNOWN_ACTS - 1)] + [act(2, 0)]
    rows = {"silver.posts": posts, "silver.engagements": acts}
    night = Night(MemoryLake(spark, "memory", rows), DS, "", tmp_path, Settings())
    same = {1: [1, 2, 3], 2: [1, 2, 3]}
    found = personal.check_personal(night, pools_of(spark, same), candidates_of(spark, same, {1, 2, 3}), LIMITS)
    assert [(one.value, one.threshold, one.passed) for one in found] == [(None, None, True)] * 3


def test_personal_pools_pass(spark: SparkSession, tmp_path: Path) -> None:
    many = {user: list(range(100 * user, 100 * user + 20)) for user in range(1, 4)}
    own = checks(spark, tmp_path, many, popular={100})
    assert all(one.passed for one in own.values())
    assert own["overlap_of_two_pools"].value == 0.0
    assert own["share_of_users_with_an_impersonal_pool"].value == 0.0
