import numpy as np

from spark_jobs.rerank.pools import fill_pools
from tests.candidate_sets import candidates, plan

SOURCE = plan(("source",))


def test_a_source_has_three_places_in_ten_and_one_where_that_is_less_than_one() -> None:
    found = candidates(40, source=[7] * 20 + list(range(100, 120)))
    places = fill_pools(found, SOURCE)
    of_seven = np.flatnonzero(found.source[places.row] == 7) + 1
    assert of_seven[:7].tolist() == [1, 2, 3, 4, 5, 6, 21]  # six of each twenty
    assert np.flatnonzero(places.broken).tolist() == list(range(32, 40))  # 20 others, and 12 of 40
    assert fill_pools(candidates(3, source=[7, 7, 8]), SOURCE).row.tolist() == [0, 2, 1]


def test_suggestions_have_no_source() -> None:
    places = fill_pools(candidates(30), SOURCE)
    assert places.row.tolist() == list(range(30))
    assert not places.broken.any()
