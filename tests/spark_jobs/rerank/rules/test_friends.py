import numpy as np

from spark_jobs.rerank.pools import fill_pools
from tests.candidate_sets import candidates, plan

FRIENDS = np.isin(np.arange(20), (3, 8, 11))


def test_friends_come_first_for_whoever_asks_then_the_best() -> None:
    found = candidates(20, is_friend=FRIENDS, friends_first=True)
    places = fill_pools(found, plan(("friends",)))
    assert places.row.tolist() == [3, 8, 11, *(row for row in range(20) if not FRIENDS[row])]
    assert not places.broken.any()
    others = fill_pools(candidates(20, is_friend=FRIENDS), plan(("friends",)))
    assert others.row.tolist() == list(range(20))


def test_one_who_asks_changes_nothing_for_others() -> None:
    asks = np.repeat([True, False], 20)
    found = candidates(40, user=np.repeat([1, 2], 20), is_friend=np.tile(FRIENDS, 2), friends_first=asks)
    places = fill_pools(found, plan(("friends",)))
    assert places.row[:3].tolist() == [3, 8, 11]
    assert places.row[20:].tolist() == list(range(20, 40))


def test_friends_give_way_to_the_rules_before_them_and_it_is_counted() -> None:
    found = candidates(20, is_friend=np.arange(20) < 12, friends_first=True, topic=np.where(np.arange(20) < 12, 1, 2))
    places = fill_pools(found, plan(("topic", "friends")))
    assert places.row[:6].tolist() == [0, 1, 2, 3, 12, 4]
    assert places.broken[:6].tolist() == [0, 0, 0, 0, 1, 0]
