"""Pools against a direct implementation of the rules, whatever else is in the batch."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings

from spark_jobs.rerank.pools import Places, fill_pools
from tests.candidate_sets import Draw, by_user, candidates, draws, filled_plainly, plan, pools_of

ORDERS = [("topic", "source", "type", "friends"), ("friends", "type", "topic"), ("similarity", "source", "topic")]


@pytest.mark.parametrize("order", ORDERS)
@settings(max_examples=12, deadline=None)
@given(draw=draws)
def test_a_pool_is_what_a_plain_reading_of_the_rules_fills(order: tuple[str, ...], draw: Draw) -> None:
    found, how = replace(draw, num_candidates=draw.num_candidates // 2).make(), plan(order, every=5)
    places = fill_pools(found, how)
    drawn = {(int(found.user[row]), int(rank)): int(row) for row, rank in _explored(places)}
    broken = dict(zip(places.row.tolist(), places.broken.tolist(), strict=True))
    pools = pools_of(found, places)
    assert pools.keys() == set(found.user.tolist())
    for user, rows in by_user(found).items():
        forced = {rank: row for (of, rank), row in drawn.items() if of == user}
        expected = filled_plainly(found, rows, how, forced)
        assert [(row, broken[row]) for row in pools[user]] == expected


def _explored(places: Places) -> Any:
    return zip(places.row[places.is_exploration], places.rank[places.is_exploration], strict=True)


@settings(max_examples=15, deadline=None)
@given(draw=draws)
def test_pools_depend_neither_on_the_batch_nor_on_the_order_of_rows(draw: Draw) -> None:
    found, how = draw.make(), plan((*ORDERS[0], "similarity"), every=5)
    expected = described(found, fill_pools(found, how))
    assert described(found, fill_pools(found, replace(how, cells=1))) == expected
    assert described(found, fill_pools(found, replace(how, cells=300))) == expected
    turned = np.random.default_rng(draw.seed).permutation(len(found.user))
    moved = replace(found, **{name: column[turned] for name, column in vars(found).items()})
    assert described(moved, fill_pools(moved, how)) == expected


def described(found: Any, places: Places) -> list[tuple[Any, ...]]:
    columns = (found.user[places.row], places.rank, found.post[places.row])
    more = (places.is_exploration, places.propensity, places.broken)
    return list(zip(*(column.tolist() for column in (*columns, *more)), strict=True))


def test_the_rule_that_is_named_later_gives_way() -> None:
    # The second place: a post of the same source, or one of a type that has its share of two places.
    found = candidates(3, source=[7, 7, 8], content_type=[3, 0, 3])
    assert fill_pools(found, plan(("source", "type"))).row.tolist() == [0, 2, 1]
    assert fill_pools(found, plan(("type", "source"))).row.tolist() == [0, 1, 2]


def test_what_is_broken_is_told() -> None:
    places = fill_pools(candidates(7, topic=4), plan(("topic",)))
    assert places.row.tolist() == list(range(7))
    assert places.broken.tolist() == [0, 0, 0, 0, 1, 1, 1]


def test_a_value_that_is_no_number_is_refused() -> None:
    with pytest.raises(ValueError, match="1 candidates have no number as value_score, for example post 101 for user 1"):
        fill_pools(candidates(3, value=[1.0, np.nan, 0.0]), plan())


def test_a_post_that_stands_twice_is_refused() -> None:
    with pytest.raises(ValueError, match="post 5 stands twice among the candidates of user 1"):
        fill_pools(candidates(2, post=5), plan())
