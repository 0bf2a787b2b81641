"""Draws among little-known posts: which posts take part, with which probabilities, and that draws follow them."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from scipy.stats import beta

from contracts.settings import Exploration
from spark_jobs.rerank.exploration import chances_of, posteriors, slots
from spark_jobs.rerank.pools import fill_pools
from spark_jobs.rules.chance import uniform
from tests.candidate_sets import by_user, candidates, plan

RULES = Exploration()


def chances(engaged: list[int], views: list[int], even: float = 0.0, is_arm: Any = None) -> Any:
    density, log_below = posteriors(np.array(engaged), np.array(views), RULES)
    arms = np.ones((1, len(engaged)), bool) if is_arm is None else np.array([is_arm], bool)
    return chances_of(density[None], log_below[None], arms, even)[0]


def test_the_chance_of_two_is_that_the_rate_of_one_is_higher() -> None:
    rates = (np.arange(20_000) + 0.5) / 20_000
    better = (beta.pdf(rates, 2 + 9, 5 + 11) * beta.cdf(rates, 2, 5)).mean()
    assert chances([9, 0], [20, 0])[0] == pytest.approx(better, abs=2e-3)


def test_the_chances_of_many_are_how_often_thompson_sampling_shows_them() -> None:
    engaged, views = [0, 3, 9, 40, 0, 1], [0, 10, 20, 99, 60, 1]
    drawn = np.random.default_rng(3).beta(2 + np.array(engaged), 5 + np.array(views) - engaged, (200_000, 6))
    often = np.bincount(drawn.argmax(axis=1), minlength=6) / len(drawn)
    assert chances(engaged, views) == pytest.approx(often, abs=5e-3)


def test_an_even_share_bounds_chances_and_what_is_no_arm_has_none() -> None:
    got = chances([0, 90, 5, 0], [99, 99, 20, 0], even=0.1, is_arm=[1, 1, 0, 1])
    assert got.sum() == pytest.approx(1, abs=1e-12)
    assert got[2] == 0
    assert got[0] == pytest.approx(0.1 / 3, abs=1e-9)  # no chance to be best


def test_more_engagements_than_views_count_as_all_of_them() -> None:
    assert chances([30, 10], [10, 10]) == pytest.approx([0.5, 0.5])


def test_slots_are_one_place_in_ten_and_begin_anywhere() -> None:
    first = slots(np.arange(50_000), np.array(10), seed=20, day=1)
    often = np.bincount(first, minlength=11)[1:] / 50_000
    assert often == pytest.approx(np.full(10, 0.1), abs=0.005)
    assert (slots(np.arange(50_000), np.array(10), seed=20, day=2) != first).mean() == pytest.approx(0.9, abs=0.01)
    places = fill_pools(candidates(100, is_little_known=True), plan(every=10))
    explored = places.rank[places.is_exploration]
    assert explored.tolist() == list(range(int(explored[0]), 101, 10))


def test_new_users_explore_twice_as_often_and_nobody_where_nothing_is_explored() -> None:
    found = candidates(
        240, user=np.repeat([1, 2], 120), is_little_known=True, is_new_user=np.repeat([True, False], 120)
    )
    places = fill_pools(found, plan(every=10))
    explored = found.user[places.row[places.is_exploration]]
    assert np.bincount(explored).tolist() == [0, 20, 10]
    ranks = places.rank[places.is_exploration & (found.user[places.row] == 1)]
    assert set(np.diff(ranks).tolist()) == {5}
    assert not fill_pools(found, plan(every=0)).is_exploration.any()


def test_only_new_posts_are_drawn_and_the_rest_keep_their_order() -> None:
    is_little_known = np.arange(60) % 3 == 0
    places = fill_pools(candidates(60, is_little_known=is_little_known), plan((), every=10))
    assert is_little_known[places.row[places.is_exploration]].all()
    assert (places.propensity[~places.is_exploration] == 1).all()
    assert ((places.propensity < 1) == places.is_exploration).all()
    rest = places.row[~places.is_exploration]
    assert (np.diff(rest) > 0).all()


def test_the_best_new_posts_take_part() -> None:
    found = candidates(2000, user=np.repeat(np.arange(100), 20), post=np.arange(2000), is_little_known=True)
    how = replace(plan(("topic",), every=1), exploration=Exploration(every=1, arms=2, uniform=0.5))
    places = fill_pools(found, how)
    first = places.row[places.rank == 1]
    best = {rows[0] for rows in by_user(found).values()} | {rows[1] for rows in by_user(found).values()}
    assert set(first.tolist()) <= best
    assert len(set(first.tolist()) & {rows[1] for rows in by_user(found).values()}) > 20


def test_without_a_choice_nothing_is_drawn() -> None:
    for new in ([0], []):
        places = fill_pools(candidates(30, is_little_known=np.isin(np.arange(30), new)), plan(every=1))
        assert not places.is_exploration.any()
        assert (places.propensity == 1).all()


def test_a_draw_breaks_no_rule_that_the_best_candidate_keeps() -> None:
    # A fifth post on topic 3 is what exploration would like to show.
    found = candidates(30, topic=[3] * 10 + [4] * 20, is_little_known=[True] * 10 + [False] * 20)
    places = fill_pools(found, plan(("topic",), every=1))
    assert not places.broken.any()


def test_numbers_of_chance_are_even_and_depend_on_every_key() -> None:
    drawn = uniform(20, np.arange(100_000), 7)
    assert np.histogram(drawn, 20, (0, 1))[0] == pytest.approx(np.full(20, 5000), rel=0.06)
    assert abs(np.corrcoef(drawn[:-1], drawn[1:])[0, 1]) < 0.01
    for other in (uniform(21, np.arange(100_000), 7), uniform(20, np.arange(100_000), 8)):
        assert abs(np.corrcoef(drawn, other)[0, 1]) < 0.01
    assert set(uniform(21, np.arange(1024), 7)).isdisjoint(uniform(20, np.arange(1024), 7))  # not the same, exchanged
    assert uniform(20, np.array([-1, 5]), 7)[1] == drawn[5]
