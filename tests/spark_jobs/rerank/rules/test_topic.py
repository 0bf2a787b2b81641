from itertools import groupby

from spark_jobs.rerank.pools import fill_pools
from tests.candidate_sets import candidates, plan

TOPIC = plan(("topic",))


def runs(topics: list[int]) -> list[tuple[int, int]]:
    return [(topic, len(list(posts))) for topic, posts in groupby(topics)]


def test_a_fifth_in_a_row_waits_for_another() -> None:
    found = candidates(12, topic=[3] * 6 + [5] * 6)
    places = fill_pools(found, TOPIC)
    assert runs(found.topic[places.row].tolist()) == [(3, 4), (5, 1), (3, 1), (5, 1), (3, 1), (5, 4)]
    assert not places.broken.any()


def test_enough_others_are_kept_for_the_end() -> None:
    found = candidates(20, topic=[5, 6, 7, -1] + [3] * 16)
    places = fill_pools(found, TOPIC)
    assert runs(found.topic[places.row].tolist()) == [(5, 1), (3, 4), (6, 1), (3, 4), (7, 1), (3, 4), (-1, 1), (3, 4)]
    assert not places.broken.any()


def test_where_others_are_too_few_from_the_start_none_is_kept() -> None:
    found = candidates(20, topic=[5, 6] + [3] * 18)
    places = fill_pools(found, TOPIC)
    assert places.row.tolist() == list(range(20))
    assert places.broken.sum() == 14


def test_posts_without_a_topic_are_no_run() -> None:
    assert not fill_pools(candidates(30), TOPIC).broken.any()
