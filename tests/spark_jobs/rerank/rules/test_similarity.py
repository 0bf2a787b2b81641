import numpy as np

from spark_jobs.rerank.pools import fill_pools
from spark_jobs.rerank.rules.similarity import UNIT
from tests.candidate_sets import candidates, plan

EAST, NORTH, NEAR_EAST = (UNIT, 0), (0, UNIT), (95, 84)
"""The third makes 0.75 of the first, and 0.66 of the second."""


def order(*embeddings: tuple[int, int]) -> list[int]:
    found = candidates(len(embeddings), embedding=np.array(embeddings, np.float32))
    row: list[int] = fill_pools(found, plan(("similarity",))).row.tolist()
    return row


def test_after_five_places_what_is_alike_waits() -> None:
    assert order(*[EAST] * 5, NEAR_EAST, NORTH) == [0, 1, 2, 3, 4, 6, 5]
    assert order(*[EAST] * 4, NEAR_EAST, NORTH) == [0, 1, 2, 3, 4, 5]


def test_a_post_without_an_embedding_is_like_no_other() -> None:
    assert order(*[(0, 0)] * 8) == list(range(8))


def test_a_page_later_it_is_forgotten() -> None:
    angles = np.linspace(0, np.pi, 8)[1:]
    apart = [(round(UNIT * np.cos(a)), round(UNIT * np.sin(a))) for a in angles]
    blank = [(0, 0)] * 24
    assert order(EAST, *blank, EAST, *apart[:1])[:26] == list(range(26))
    assert order(EAST, *blank[:12], EAST, *blank[12:]) == [*range(13), *range(14, 22), 13, *range(22, 26)]
