"""AUC: hand-computed values, and brute force over all pairs."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts.metrics.auc import auc, auc_of_counts, auc_of_lists, auc_of_weights

rows = st.lists(st.tuples(st.integers(0, 3), st.booleans(), st.integers(0, 3)), min_size=1, max_size=30)


def test_by_hand_with_a_tie() -> None:
    scores, labels = np.array([0.9, 0.5, 0.5, 0.1]), np.array([1.0, 1.0, 0.0, 0.0])
    # pairs: 0.9 beats both; 0.5 ties with one and beats the other
    assert auc(scores, labels) == pytest.approx((1 + 1 + 0.5 + 1) / 4)


@pytest.mark.parametrize("seed", range(5))
def test_equals_counting_weighted_pairs_also_for_labels_in_between(seed: int) -> None:
    generator = np.random.default_rng(seed)
    scores, labels = generator.integers(0, 20, 60) / 20, generator.random(60)
    weights = generator.random(60)
    wins = (scores[:, None] > scores) + 0.5 * (scores[:, None] == scores)
    pairs = np.outer(weights * labels, weights * (1 - labels))
    assert auc(scores, labels, weights) == pytest.approx((wins * pairs).sum() / pairs.sum())


@given(rows)
def test_a_weight_counts_as_that_many_rows(data: list[tuple[int, bool, int]]) -> None:
    scores, labels, weights = (np.array(column) for column in zip(*data, strict=True))
    assert auc(scores, labels, weights) == pytest.approx(auc(scores.repeat(weights), labels.repeat(weights)))


@given(rows)
def test_counts_per_score_give_the_same(data: list[tuple[int, bool, int]]) -> None:
    scores, labels, _ = (np.array(column) for column in zip(*data, strict=True))
    up, down = (np.bincount(scores[chosen], minlength=4) for chosen in (labels, ~labels))
    want = auc(scores, labels)
    assert auc_of_counts(up, down) == pytest.approx(want)
    twice = auc_of_lists(np.tile(up, 2), np.tile(down, 2), np.array([0, 4]))
    np.testing.assert_allclose(twice, np.nan if want is None else want)


def test_is_undefined_with_one_class_or_without_rows() -> None:
    assert auc(np.array([0.1, 0.2]), np.zeros(2)) is None
    assert auc(np.array([0.1, 0.2]), np.ones(2)) is None
    assert auc(np.array([0.1, 0.2]), np.array([0, 1]), np.array([1, 0])) is None
    assert auc(np.zeros(0), np.zeros(0)) is None
    assert auc_of_counts(np.zeros(0), np.zeros(0)) is None


def test_what_is_not_finite_or_of_another_length_is_refused_by_name() -> None:
    with pytest.raises(ValueError, match="scores is not finite in 1 of 2 rows, the first is row 1"):
        auc(np.array([0.1, np.nan]), np.array([0, 1]))
    with pytest.raises(ValueError, match=r"labels has shape \(1,\), not \(2,\) as scores"):
        auc(np.array([0.1, 0.2]), np.array([0]))


def test_one_sample_under_many_weights() -> None:
    generator = np.random.default_rng(3)
    scores, labels = generator.integers(0, 9, 200).astype(float), generator.integers(0, 2, 200)
    weighted = auc_of_weights(scores, labels)
    for _ in range(3):
        weights = generator.integers(0, 4, 200).astype(float)
        assert weighted(weights) == auc(np.repeat(scores, weights.astype(int)), np.repeat(labels, weights.astype(int)))
    assert weighted(np.where(labels > 0, 1.0, 0.0)) is None
