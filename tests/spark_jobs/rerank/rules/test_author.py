from dataclasses import replace

import numpy as np

from contracts.settings import PoolRules
from spark_jobs.rerank.pools import fill_pools
from spark_jobs.rerank.rules.author import best_of_each_author
from tests.candidate_sets import candidates, plan


def test_the_first_of_each_author_stay_and_all_of_nobodys() -> None:
    users, authors = np.array([1, 1, 1, 1, 1, 2, 2, 2]), np.array([5, 0, 5, 0, 5, 5, 0, 0])
    has_author = np.array([1, 1, 1, 0, 1, 1, 0, 0], bool)
    assert best_of_each_author(users, authors, has_author, 2).tolist() == [1, 1, 1, 1, 0, 1, 1, 1]


def test_an_author_has_at_most_so_many_places_though_the_pool_is_short() -> None:
    found = candidates(9, author=[4] * 6 + [5] * 3)
    assert fill_pools(found, plan()).row.tolist() == [0, 1, 2, 6, 7, 8]
    how = replace(plan(), pool=PoolRules(max_per_author=1))
    assert fill_pools(found, how).row.tolist() == [0, 6]
