"""Bins, calibration error, relative error and slope: hand-computed, and the same for rows and for counted buckets."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts.metrics.calibration import (
    Bins,
    bins_of_buckets,
    bins_of_rows,
    bins_of_scores,
    calibration_error,
    relative_error,
    slope,
)


def test_by_hand() -> None:
    predicted, observed = np.array([0.8, 0.1, 0.3, 0.6]), np.array([1.0, 0.0, 1.0, 1.0])
    bins = bins_of_rows(predicted, observed, 2)
    # two bins: rows 0.1 and 0.3, rows 0.6 and 0.8
    assert bins.predicted.tolist() == pytest.approx([0.2, 0.7])
    assert bins.observed.tolist() == [0.5, 1.0]
    assert bins.num_rows.tolist() == [2, 2]
    assert calibration_error(bins) == pytest.approx((0.3 + 0.3) / 2)
    assert calibration_error(bins_of_rows(predicted, observed, 1)) == pytest.approx(0.3)
    assert relative_error(bins) == pytest.approx(1.8 / 3 - 1)
    assert slope(bins) == pytest.approx(0.5 / 0.5)


def test_buckets_are_weighted_by_rows() -> None:
    bins = bins_of_buckets(np.array([30, 10, 60]), np.array([3, 2, 30]), np.array([3, 4, 24]), 2)
    assert bins.predicted.tolist() == [5 / 40, 0.5]
    assert bins.observed.tolist() == [7 / 40, 0.4]
    assert bins.num_rows.tolist() == [40, 60]
    assert calibration_error(bins) == pytest.approx(0.05 * 0.4 + 0.1 * 0.6)
    assert relative_error(bins) == pytest.approx(35 / 31 - 1)
    assert slope(bins) == pytest.approx((0.4 - 7 / 40) / (0.5 - 5 / 40))


def test_a_bucket_goes_whole_to_the_bin_of_its_middle_row() -> None:
    # ten rows in two bins of five: the middle row of the second bucket is the fifth, of the third the ninth
    bins = bins_of_buckets(np.array([2, 5, 3]), np.array([0.2, 2.0, 2.4]), np.zeros(3), 2)
    assert bins.num_rows.tolist() == [7, 3]
    assert bins.predicted.tolist() == pytest.approx([2.2 / 7, 0.8])


@given(st.integers(1, 200), st.integers(1, 20))
def test_bins_hold_equally_many_rows_of_distinct_predictions(num_rows: int, num_bins: int) -> None:
    predicted = np.random.default_rng(num_rows).permutation(num_rows) / num_rows
    bins = bins_of_rows(predicted, predicted, num_bins)
    starts = np.unique(np.arange(num_bins) * num_rows // num_bins)
    assert bins.num_rows.tolist() == np.diff(starts, append=num_rows).tolist()


@given(st.lists(st.tuples(st.integers(0, 6), st.booleans()), min_size=1, max_size=60), st.integers(1, 10))
def test_rows_and_their_counts_give_the_same_in_any_order(rows: list[tuple[int, bool]], num_bins: int) -> None:
    level, label = (np.array(column) for column in zip(*rows, strict=True))
    of_rows = bins_of_rows(level / 8, label, num_bins)
    counts, positives = np.bincount(level, minlength=7), np.bincount(level, weights=label, minlength=7)
    is_there = counts > 0
    predicted = counts * np.arange(7) / 8
    of_buckets = bins_of_buckets(counts[is_there], predicted[is_there], positives[is_there], num_bins)
    backwards = bins_of_rows(level[::-1] / 8, label[::-1], num_bins)
    for other in (of_buckets, backwards):
        np.testing.assert_allclose(of_rows.predicted, other.predicted)
        np.testing.assert_allclose(of_rows.observed, other.observed)
        np.testing.assert_array_equal(of_rows.num_rows, other.num_rows)


@pytest.mark.parametrize("is_binary", [True, False])
def test_scores_less_than_a_bucket_apart_are_one(is_binary: bool) -> None:
    generator = np.random.default_rng(9)
    predicted = generator.uniform(0.1, 0.9, 3000)
    observed = predicted + generator.normal(0, 0.1, 3000)
    exact = bins_of_rows(predicted, observed, 10)
    found = bins_of_scores(predicted, observed, 10, is_binary=is_binary)
    assert calibration_error(found) == pytest.approx(calibration_error(exact), rel=0.05)
    np.testing.assert_allclose(found.num_rows, exact.num_rows, atol=10)
    score = 0.0 if is_binary else np.log1p(0.5)
    near = np.linspace(score - 4e-4, score + 4e-4, 50)
    close = 1 / (1 + np.exp(-near)) if is_binary else np.expm1(near)
    assert len(bins_of_scores(close, close, 10, is_binary=is_binary).num_rows) <= 2
    assert len(bins_of_rows(close, close, 10).num_rows) == 10


@pytest.mark.parametrize(("stretch", "shift"), [(1.0, 0.0), (2.24, -0.1), (0.5, 0.2)])
def test_the_slope_and_the_error_of_the_mean_find_what_was_distorted(stretch: float, shift: float) -> None:
    predicted = np.random.default_rng(8).random(1000)
    bins = bins_of_rows(predicted, shift + stretch * predicted, 10)
    assert slope(bins) == pytest.approx(stretch)
    assert relative_error(bins) == pytest.approx(predicted.mean() / (shift + stretch * predicted.mean()) - 1)


def test_chance_in_rare_labels_does_not_pull_the_slope() -> None:
    generator = np.random.default_rng(2)
    slopes: list[float] = []
    for _ in range(200):
        predicted = generator.uniform(0.001, 0.01, 5000)
        found = slope(bins_of_rows(predicted, generator.random(5000) < predicted, 10))
        assert found is not None
        slopes.append(found)
    error = np.std(slopes) / np.sqrt(200)
    assert np.mean(slopes) == pytest.approx(1.0, abs=3 * error)
    assert error < 0.05


def test_what_is_undefined_is_none_and_what_is_not_finite_is_refused() -> None:
    nothing = Bins(np.zeros(0), np.zeros(0), np.zeros(0))
    assert bins_of_rows(np.zeros(0), np.zeros(0), 10).num_rows.tolist() == []
    assert [figure(nothing) for figure in (calibration_error, relative_error, slope)] == [None, None, None]
    without_positives = bins_of_rows(np.array([0.1, 0.1]), np.zeros(2), 10)
    assert calibration_error(without_positives) == pytest.approx(0.1)
    assert (relative_error(without_positives), slope(without_positives)) == (None, None)
    with pytest.raises(ValueError, match="predicted is not finite in 1 of 2 rows"):
        bins_of_rows(np.array([0.1, np.inf]), np.zeros(2), 10)
