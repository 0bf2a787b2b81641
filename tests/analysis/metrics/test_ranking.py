"""Ranking metrics against hand-computed values; trec_eval's reference output is an acceptance test."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from analysis.metrics import ranking
from analysis.metrics.ranking import RankedLists, rank_lists


def two_lists() -> RankedLists:
    # user 7: share, nothing, like; user 9: nothing, comment. Scores tie at 0.5 for user 7: the lower id goes first.
    return rank_lists(
        np.array([9, 7, 7, 9, 7]),
        np.array([0.9, 0.5, 0.5, 0.1, 0.7]),
        np.array([1, 30, 20, 2, 10]),
        np.array([0, 1, 0, 2, 3]),
    )


def test_hand_computed_values() -> None:
    lists = two_lists()
    assert lists.gains.tolist() == [3, 0, 1, 0, 2]
    assert lists.starts.tolist() == [0, 3]
    assert ranking.dcg(lists).tolist() == pytest.approx([3 + 1 / 2, 2 / np.log2(3)])
    assert ranking.dcg(lists, 2).tolist() == pytest.approx([3, 2 / np.log2(3)])
    assert ranking.ndcg(lists).tolist() == pytest.approx([3.5 / (3 + 1 / np.log2(3)), 1 / np.log2(3)])
    assert ranking.reciprocal_rank(lists).tolist() == [1, 0.5]
    assert ranking.precision(lists, 2).tolist() == [0.5, 0.5]
    assert ranking.recall(lists, 2).tolist() == [0.5, 1]
    assert ranking.average_precision(lists).tolist() == pytest.approx([(1 + 2 / 3) / 2, 0.5])


def test_a_list_without_gain_scores_zero_and_no_lists_give_nothing() -> None:
    none = RankedLists(np.zeros(3), np.array([0]))
    assert ranking.ndcg(none, 10).tolist() == [0]
    assert ranking.recall(none, 10).tolist() == [0]
    assert ranking.reciprocal_rank(none).tolist() == [0]
    empty = rank_lists(*(np.zeros(0) for _ in range(4)))
    assert ranking.ndcg(empty, 10).tolist() == []
    assert ranking.reciprocal_rank(empty).tolist() == []


@given(st.permutations(range(8)), st.lists(st.integers(0, 3), min_size=8, max_size=8))
def test_ndcg_is_at_most_one_and_one_in_the_best_order(order: list[int], gains: list[int]) -> None:
    zeros, graded = np.zeros(8), np.array(gains)
    assert ranking.ndcg(rank_lists(zeros, np.array(order), np.arange(8), graded), 5)[0] <= 1 + 1e-12
    best = ranking.ndcg(rank_lists(zeros, graded, np.arange(8), graded), 5)[0]
    assert best == pytest.approx(1 if sum(gains) else 0)
