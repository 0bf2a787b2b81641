"""Ranking metrics against hand-computed values, brute force and trec_eval's reference output."""

from collections import defaultdict
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from analysis import ranking
from analysis.ranking import RankedLists, rank_lists

TREC = Path(__file__).resolve().parents[2] / "../shared/data/trec_eval"


def trec_lists() -> tuple[RankedLists, RankedLists]:
    """The retrieved lists and, per query, all judged documents from best to worst."""
    judged: dict[str, dict[str, float]] = defaultdict(dict)
    for line in (TREC / "qrels.test").read_text().splitlines():
        query, _, document, grade = line.split()
        judged[query][document] = float(grade)
    rows = [line.split() for line in (TREC / "results.test").read_text().splitlines()]
    documents = sorted({row[2] for row in rows}, reverse=True)
    place = {document: index for index, document in enumerate(documents)}
    retrieved = rank_lists(
        np.array([int(row[0]) for row in rows]),
        np.array([float(row[4]) for row in rows]),
        np.array([place[row[2]] for row in rows]),
        np.array([judged[row[0]].get(row[2], 0.0) for row in rows]),
    )
    queries = np.concatenate([np.full(len(judged[q]), int(q)) for q in sorted(judged)])
    grades = np.concatenate([np.array(list(judged[q].values())) for q in sorted(judged)])
    return retrieved, rank_lists(queries, grades, np.arange(len(grades)), grades)


@pytest.mark.skipif(not TREC.exists(), reason="../shared/data/trec_eval is absent")
def test_trec_eval_reference_is_reproduced() -> None:
    lists, best = trec_lists()
    relevant = best.num_relevant
    assert len(lists.starts) == 3
    assert relevant.sum() == 561
    got = {
        "map": ranking.average_precision(lists, relevant),
        "recip_rank": ranking.reciprocal_rank(lists),
        "ndcg": ranking.ndcg(lists, None, best),
        **{f"P_{k}": ranking.precision(lists, k) for k in (5, 10, 20, 100)},
        **{f"recall_{k}": ranking.recall(lists, k, relevant) for k in (10, 100)},
        **{f"ndcg_cut_{k}": ranking.ndcg(lists, k, best) for k in (5, 10, 20, 100)},
    }
    want = {
        "map": 0.1785,
        "recip_rank": 0.4064,
        "ndcg": 0.4021,
        "P_5": 0.2667,
        "P_10": 0.3000,
        "P_20": 0.3667,
        "P_100": 0.2467,
        "recall_10": 0.0317,
        "recall_100": 0.4980,
        "ndcg_cut_5": 0.2768,
        "ndcg_cut_10": 0.3016,
        "ndcg_cut_20": 0.3525,
        "ndcg_cut_100": 0.3916,
    }
    assert {name: round(float(values.mean()), 4) for name, values in got.items()} == want


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


rows = st.lists(st.tuples(st.integers(0, 2), st.integers(0, 3), st.booleans()), min_size=1, max_size=30)


@given(rows)
def test_auc_equals_counting_pairs(data: list[tuple[int, int, bool]]) -> None:
    groups, scores, labels = (np.array(column) for column in zip(*data, strict=True))
    want = []
    for group in np.unique(groups):
        up = scores[(groups == group) & labels]
        down = scores[(groups == group) & ~labels]
        pairs = [1.0 if u > d else 0.5 if u == d else 0.0 for u in up for d in down]
        want.append(np.mean(pairs) if pairs else np.nan)
    np.testing.assert_allclose(ranking.auc_by_group(groups, labels, scores), np.array(want, dtype=np.float64))


@given(rows)
def test_auc_from_counts_equals_auc(data: list[tuple[int, int, bool]]) -> None:
    _, scores, labels = (np.array(column) for column in zip(*data, strict=True))
    up = np.bincount(scores[labels], minlength=4)
    down = np.bincount(scores[~labels], minlength=4)
    np.testing.assert_allclose(ranking.auc_from_counts(up, down), ranking.auc(labels, scores))


@given(st.permutations(range(8)), st.lists(st.integers(0, 3), min_size=8, max_size=8))
def test_ndcg_is_at_most_one_and_one_in_the_best_order(order: list[int], gains: list[int]) -> None:
    zeros, graded = np.zeros(8), np.array(gains)
    assert ranking.ndcg(rank_lists(zeros, np.array(order), np.arange(8), graded), 5)[0] <= 1 + 1e-12
    best = ranking.ndcg(rank_lists(zeros, graded, np.arange(8), graded), 5)[0]
    assert best == pytest.approx(1 if sum(gains) else 0)


def test_calibration_bins_are_weighted_by_rows() -> None:
    bins = ranking.calibration_bins(np.array([30, 10, 60]), np.array([3, 2, 30]), np.array([3, 4, 24]), bins=2)
    assert bins.tolist() == [[5 / 40, 7 / 40, 40], [0.5, 0.4, 60]]
    assert ranking.expected_calibration_error(bins) == pytest.approx(0.05 * 0.4 + 0.1 * 0.6)
    assert ranking.expected_calibration_error(np.zeros((0, 3))) == 0


def test_bootstrap_interval_matches_the_normal_one() -> None:
    values = np.random.default_rng(3).normal(2.0, 1.0, size=(2000, 1))
    mean, low, high = ranking.bootstrap(np.hstack([values, values - values]), resamples=1000, seed=5)
    error = values.std() / np.sqrt(2000)
    assert mean[0] == pytest.approx(values.mean())
    assert low[0] == pytest.approx(mean[0] - 1.96 * error, abs=0.3 * error)
    assert high[0] == pytest.approx(mean[0] + 1.96 * error, abs=0.3 * error)
    assert (low[1], high[1]) == (0, 0)
    assert ranking.bootstrap(values, 50, seed=5)[1] == ranking.bootstrap(values, 50, seed=5)[1]
    assert ranking.bootstrap(values, 50, seed=5)[1] != ranking.bootstrap(values, 50, seed=6)[1]
    with pytest.raises(ValueError, match="at least one user"):
        ranking.bootstrap(np.zeros((0, 1)), 10, 1)
