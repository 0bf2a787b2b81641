from dataclasses import replace

import numpy as np
import pytest

from contracts.settings import RerankRules
from spark_jobs.rerank.pools import Plan, fill_pools
from tests.candidate_sets import candidates, plan

TYPE, AGE = plan(("type",)), plan(("recency",))


def counts(how: Plan, kinds: list[int], places: int) -> list[int]:
    column = "content_type" if how is TYPE else "age"
    found = candidates(len(kinds), **{column: kinds})
    filled = fill_pools(found, how)
    got: list[int] = np.bincount(getattr(found, column)[filled.row[filled.rank <= places]], minlength=4).tolist()
    return got


@pytest.mark.parametrize("places", [20, 40, 100])
def test_every_page_has_each_type_within_ten_points(places: int) -> None:
    links_first = [3] * 50 + [0] * 50 + [2] * 50 + [1] * 50
    got = counts(TYPE, links_first, places)
    assert got == [count * places // 20 for count in (6, 7, 3, 4)]  # most links and statuses, fewest videos and photos


def test_ages_have_shares_of_their_own() -> None:
    assert counts(AGE, [3] * 100 + [0] * 100 + [1] * 100 + [2] * 100, 100) == [40, 30, 10, 20]


def test_a_type_without_candidates_starves_nothing() -> None:
    found = candidates(10, content_type=1)
    places = fill_pools(found, TYPE)
    assert places.row.tolist() == list(range(10))
    assert places.broken.tolist() == [0] * 6 + [1] * 4  # of ten, 55 % rounded up are not over
    assert fill_pools(candidates(1, content_type=3), TYPE).broken.tolist() == [0]


def test_only_the_proportions_of_shares_count() -> None:
    kinds = np.random.default_rng(1).integers(0, 4, 150)
    halves = RerankRules(order=("type",), status=0.1, photo=0.225, video=0.125, link=0.05)
    found = candidates(150, content_type=kinds)
    assert fill_pools(found, replace(TYPE, rerank=halves)).row.tolist() == fill_pools(found, TYPE).row.tolist()
