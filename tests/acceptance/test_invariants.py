"""Pools of random candidates keep the rules of the product, and record where candidates leave no choice."""

import time
from dataclasses import replace
from math import ceil, floor
from typing import Any

import numpy as np
import pandas as pd  # type: ignore[import-untyped]
import pytest
from hypothesis import given, settings
from pyspark.sql import SparkSession

from contracts.settings import PoolRules
from spark_jobs.rerank.pools import Plan, fill_pools
from spark_jobs.rerank.ranked_feeds import fill
from spark_jobs.rerank.slates import NONE
from spark_jobs.rerank.worker import ASKED, KEPT, SCHEMA
from tests.candidate_sets import SHARES, Draw, by_user, candidates, draws, plan, pools_of

SIZE, PAGE, MAX_RUN = 100, 20, 4
BITS = {"topic": 8, "source": 4, "type": 2}
FRIENDS = 1
"""The bit of each broken rule of a place, in the default order of the rules."""
EXPLORING = plan(every=10)
MANY = Draw(7, 400, 80_000, 3_000, 25, 10, SHARES)


@settings(max_examples=60, deadline=None)
@given(draw=draws)
def test_hard_rules_hold_in_every_pool(draw: Draw) -> None:
    """Three per author, nothing twice, everyone who has candidates has a pool, as long as the candidates allow."""
    found = draw.make()
    pools, allowed = pools_of(found, fill_pools(found, EXPLORING)), by_user(found)
    assert pools.keys() == allowed.keys()
    for user, pool in pools.items():
        assert len(set(pool)) == len(pool) == min(SIZE, len(allowed[user]))
        assert set(pool) <= set(np.flatnonzero(found.user == user).tolist())
        authors = found.author[[row for row in pool if found.has_author[row]]]
        assert np.unique(authors, return_counts=True)[1].max(initial=0) <= PoolRules().max_per_author


@settings(max_examples=60, deadline=None)
@given(draw=draws)
def test_a_rule_is_broken_only_where_it_is_told(draw: Draw) -> None:
    found = draw.make()
    places = fill_pools(found, EXPLORING)
    broken = dict(zip(places.row.tolist(), places.broken.tolist(), strict=True))
    for pool in pools_of(found, places).values():
        for name, wrong in violations(found, pool).items():
            assert all(broken[pool[place]] & BITS[name] for place in wrong), name


def violations(found: Any, pool: list[int]) -> dict[str, list[int]]:
    """Places, from 0, of the posts that are too many on a topic, of a source or of a type."""
    topic, source, kind = (column[pool].tolist() for column in (found.topic, found.source, found.content_type))
    wrong: dict[str, list[int]] = {name: [] for name in BITS}
    for place in range(len(pool)):
        end = min(len(pool), ceil((place + 1) / PAGE) * PAGE)
        if topic[place] != NONE and topic[max(0, place - MAX_RUN) : place + 1] == [topic[place]] * (MAX_RUN + 1):
            wrong["topic"].append(place)
        if source[place] != NONE and source[: place + 1].count(source[place]) > max(1, floor(0.3 * end + 1e-9)):
            wrong["source"].append(place)
        if kind[: place + 1].count(kind[place]) > ceil((SHARES[kind[place]] + 0.1) * end - 1e-9):
            wrong["type"].append(place)
    return wrong


@settings(max_examples=60, deadline=None)
@given(draw=draws)
def test_five_in_a_row_are_never_on_one_topic_where_others_can_part_them(draw: Draw) -> None:
    found = draw.make()
    pools, allowed = pools_of(found, fill_pools(found, EXPLORING)), by_user(found)
    for user, pool in pools.items():
        topics = found.topic[allowed[user]]
        num_others = len(topics) - np.unique(topics[topics != NONE], return_counts=True)[1].max(initial=0)
        if num_others >= ceil((len(pool) - MAX_RUN) / (MAX_RUN + 1)):
            assert not violations(found, pool)["topic"]


@settings(max_examples=60, deadline=None)
@given(draw=draws)
def test_a_source_has_at_most_its_share_where_others_can_fill_the_rest(draw: Draw) -> None:
    found = draw.make()
    pools, allowed = pools_of(found, fill_pools(found, plan(("source",), every=10))), by_user(found)
    for user, pool in pools.items():
        sources, counts = np.unique(found.source[allowed[user]], return_counts=True)
        most = [np.where(sources == NONE, end, max(1, floor(0.3 * end + 1e-9))) for end in ends(len(pool))]
        if all(np.minimum(counts, cap).sum() >= end for cap, end in zip(most, ends(len(pool)), strict=True)):
            assert not violations(found, pool)["source"]
            shares = np.unique(found.source[[row for row in pool if found.source[row] != NONE]], return_counts=True)[1]
            assert shares.max(initial=0) <= max(1, 0.3 * len(pool))


@settings(max_examples=60, deadline=None)
@given(draw=draws)
def test_types_are_within_ten_points_where_candidates_allow(draw: Draw) -> None:
    found = draw.make()
    pools, allowed = pools_of(found, fill_pools(found, plan(("type",), every=10))), by_user(found)
    for user, pool in pools.items():
        there = np.bincount(found.content_type[allowed[user]], minlength=4)
        got = np.bincount(found.content_type[pool], minlength=4)
        most, least = (np.array(SHARES) + 0.1) * len(pool), (np.array(SHARES) - 0.1) * len(pool)
        caps = [np.ceil((np.array(SHARES) + 0.1) * end - 1e-9) for end in ends(len(pool))]
        if all(np.minimum(there, cap).sum() >= end for cap, end in zip(caps, ends(len(pool)), strict=True)):
            assert (got <= np.ceil(most - 1e-9)).all()
            assert (got >= np.minimum(there, np.floor(least + 1e-9))).all()


def ends(length: int) -> list[int]:
    return [*range(PAGE, length, PAGE), length]


def test_pools_of_varied_candidates_keep_every_rule() -> None:
    """With candidates like a night's, no mixing rule gives way in any pool; ``friends`` gives way to them."""
    found = MANY.make()
    started = time.perf_counter()
    places = fill_pools(found, EXPLORING)
    seconds = time.perf_counter() - started
    pools = pools_of(found, places)
    assert len(pools) == MANY.num_users
    assert (places.broken <= FRIENDS).all()
    assert found.friends_first[places.row[places.broken > 0]].all()
    for pool in pools.values():
        assert not any(violations(found, pool).values())
        share = np.bincount(found.content_type[pool], minlength=4) / len(pool)
        assert np.abs(share - SHARES).max() <= 0.1 + 1e-9
    with_one = fill_pools(found, plan(()))
    top = {name: found.value[p.row[p.rank <= 16]].mean() for name, p in (("rules", places), ("value", with_one))}
    print(
        f"{len(pools)} pools of {len(places.row):,} places in {seconds:.2f} s ({len(pools) / seconds:,.0f} users/s, "
        f"one process): none breaks a mixing rule, {places.is_exploration.mean():.1%} explored; mean value of the "
        f"top 16 {top['rules']:.2f}, by value alone {top['value']:.2f}"
    )


@pytest.mark.parametrize("number", [0, 1, 10_000])
def test_any_number_of_candidates(number: int) -> None:
    found = replace(Draw(number, 1, number, 4_000, 12, 10, SHARES)).make()
    places = fill_pools(found, EXPLORING)
    assert len(places.row) == min(number, SIZE)
    assert not places.broken.any()


def test_a_value_that_is_no_number_is_refused() -> None:
    with pytest.raises(ValueError, match="post 100 for user 1: score them again"):
        fill_pools(candidates(5, value=np.nan), EXPLORING)


def test_pools_are_the_same_whatever_the_partitions_and_batches(spark: SparkSession) -> None:
    found = replace(MANY, num_users=30, num_candidates=3_000).make()
    frame = spark.createDataFrame(rows_of(found), candidate_schema())
    expected = pools(frame, EXPLORING, 2)
    assert len(expected) > 2_000
    assert expected.equals(pools(frame, EXPLORING, 7))
    spark.conf.set("spark.sql.execution.arrow.maxRecordsPerBatch", 97)
    try:
        assert expected.equals(pools(frame, replace(EXPLORING, cells=500), 7))
    finally:
        spark.conf.unset("spark.sql.execution.arrow.maxRecordsPerBatch")
    explored = int(expected.is_exploration.sum())
    print(
        f"{len(expected):,} places, {explored:,} explored: the same with 2 and 7 partitions, batches of 97 and 10,000"
    )


def pools(frame: Any, how: Plan, num_partitions: int) -> pd.DataFrame:
    filled: Any = fill(frame, how, num_partitions).toPandas()
    in_order: pd.DataFrame = filled.sort_values(["user_id", "rank"], ignore_index=True)
    return in_order


def candidate_schema() -> str:
    kept = SCHEMA.split(", ")[: len(KEPT)]
    with_friends_first = (
        f"{name} {'BOOLEAN' if name.startswith(('is_', 'friends_')) else 'BIGINT'}"
        for name in ASKED
        if name != "embedding"
    )
    return ", ".join([*kept, *with_friends_first, "embedding ARRAY<FLOAT>"])


def rows_of(found: Any) -> list[tuple[Any, ...]]:
    names = [name for name in ASKED if name != "embedding"]
    asked = zip(*(getattr(found, name).tolist() for name in names), strict=True)
    authors = [a if known else None for a, known in zip(found.author.tolist(), found.has_author.tolist(), strict=True)]
    keys = zip(found.user.tolist(), found.post.tolist(), authors, found.value.tolist(), strict=True)
    return [
        (user, post, author, "friend", author, None, value, *rest, [])
        for (user, post, author, value), rest in zip(keys, asked, strict=True)
    ]
