"""Calibration of one head: monotone, right where it can be known, near the prior where labels are few."""

from typing import Literal

import numpy as np
import pytest

from contracts.metrics.calibration import bins_of_rows, calibration_error, relative_error, slope
from contracts.metrics.columns import Floats
from models.calibration import METHODS, MIN_SLOPE, HeadCalibration, Prior, calibrate, fit, sigmoid

Method = Literal["logistic", "exponential"]
OF_LITTLE = Prior(mean=0.1, num_positives=1.0, num_rows=10)
"""A prior that is worth one label."""


def _logits(num_rows: int = 20_000) -> Floats:
    return np.random.default_rng(3).normal(-1.5, 1.0, num_rows)


def _labels(probabilities: Floats) -> Floats:
    return (np.random.default_rng(4).random(len(probabilities)) < probabilities).astype(float)


def _seconds(means: Floats) -> Floats:
    return means * np.random.default_rng(5).lognormal(-(0.7**2) / 2, 0.7, len(means))


def test_a_known_distortion_of_a_binary_head_is_undone() -> None:
    true_logits = _logits()
    labels = _labels(sigmoid(true_logits))
    distorted = (true_logits + 1.0) / 0.5  # undone by scale 0.5, offset -1
    fitted = fit("logistic", distorted, labels, OF_LITTLE)
    assert fitted.scale == pytest.approx(0.5, abs=0.03)
    assert fitted.bend == pytest.approx(0.0, abs=0.03)
    after = calibration_error(bins_of_rows(calibrate(fitted, distorted), labels, 10))
    before = calibration_error(bins_of_rows(sigmoid(distorted), labels, 10))
    assert after is not None
    assert before is not None
    assert after < 0.01
    assert before > 0.1


def test_dwell_that_varies_too_little_gets_its_spread_back() -> None:
    log_means = np.random.default_rng(6).normal(1.0, 0.6, 20_000)
    seconds = _seconds(np.exp(log_means))
    outputs = 0.4 * log_means + 0.5  # what a robust regression on log1p leaves
    fitted = fit("exponential", outputs, seconds, OF_LITTLE)
    assert fitted.scale == pytest.approx(1 / 0.4, rel=0.05)
    bins = bins_of_rows(calibrate(fitted, outputs), seconds, 10)
    assert slope(bins) == pytest.approx(1.0, abs=0.05)
    assert relative_error(bins) == pytest.approx(0.0, abs=1e-3)
    one_factor = np.expm1(outputs) * seconds.mean() / np.expm1(outputs).mean()
    left = slope(bins_of_rows(one_factor, seconds, 10))
    assert left is not None
    assert left > 1.5


def test_a_network_that_is_too_sure_of_its_best_rows_alone_is_bent() -> None:
    true_logits = _logits(100_000)
    labels = _labels(sigmoid(true_logits))
    outputs = np.where(true_logits > -1.0, -1.0 + 2.0 * (true_logits + 1.0), true_logits)
    fitted = fit("logistic", outputs, labels, OF_LITTLE)
    assert fitted.bend < -0.2
    assert slope(bins_of_rows(calibrate(fitted, outputs), labels, 10)) == pytest.approx(1.0, abs=0.03)


@pytest.mark.parametrize("method", METHODS.values())
def test_what_is_calibrated_stays_as_it_is(method: Method) -> None:
    outputs = _logits()
    truth = calibrate(HeadCalibration(method, 1.0, 0.0), outputs)
    targets = _labels(truth) if method == "logistic" else _seconds(truth)
    fitted = fit(method, outputs, targets, Prior(float(truth.mean()), 5_000.0, 20_000))
    grid = np.quantile(outputs, np.linspace(0.01, 0.99, 99))
    as_it_was = calibrate(HeadCalibration(method, 1.0, 0.0), grid)
    np.testing.assert_allclose(calibrate(fitted, grid), as_it_was, rtol=0.1)


@pytest.mark.parametrize("method", METHODS.values())
def test_the_mean_lies_between_labels_and_prior_by_what_each_is_worth(method: Method) -> None:
    outputs, prior = _logits(10_000), Prior(mean=0.1, num_positives=1e9, num_rows=10**10)
    assert prior.worth == pytest.approx(400, rel=1e-3)  # 1 / 0.05²
    targets = np.where(np.arange(10_000) % 10 < 2, 1.0, 0.0)  # 0.2, where the prior's 400 labels are 4,000 rows
    predicted = calibrate(fit(method, outputs, targets, prior), outputs)
    assert predicted.mean() == pytest.approx((10_000 * 0.2 + 4_000 * 0.1) / 14_000, rel=1e-3)


@pytest.mark.parametrize("method", METHODS.values())
def test_few_labels_leave_the_rate_of_training_and_the_network_s_spread(method: Method) -> None:
    outputs, prior = _logits(500), Prior(mean=0.003, num_positives=200.0, num_rows=66_000)
    fitted = fit(method, outputs, np.zeros(500), prior)
    assert fitted.scale == pytest.approx(1.0, abs=0.05)
    # 133 labels of the prior against 500 rows that have none and of which 1.5 would be expected to
    assert calibrate(fitted, outputs).mean() == pytest.approx(0.003, rel=0.02)


@pytest.mark.parametrize("method", METHODS.values())
@pytest.mark.parametrize("targets", [np.zeros(1), np.ones(1)])
def test_one_row_changes_little(method: Method, targets: Floats) -> None:
    fitted = fit(method, np.array([0.7]), targets, Prior(0.1, 100.0, 1_000))
    assert calibrate(fitted, np.array([0.7]))[0] == pytest.approx(0.1, rel=0.15)


@pytest.mark.parametrize("method", METHODS.values())
def test_constant_scores_get_the_mean_and_no_rows_the_network_s_own_output(method: Method) -> None:
    targets = np.where(np.arange(4_000) % 4 == 0, 1.0, 0.0)
    fitted = fit(method, np.full(4_000, -2.0), targets, OF_LITTLE)
    assert calibrate(fitted, np.array([-2.0]))[0] == pytest.approx(0.25, rel=1e-2)
    assert fitted.scale == pytest.approx(1.0)
    assert fit(method, np.zeros(0), np.zeros(0), OF_LITTLE) == HeadCalibration(method, 1.0, 0.0)


@pytest.mark.parametrize("method", METHODS.values())
def test_a_head_whose_order_is_reversed_keeps_it_and_has_the_right_mean(method: Method) -> None:
    outputs = _logits(2000)
    targets = (outputs < np.median(outputs)).astype(float)
    fitted = fit(method, outputs, targets, Prior(0.5, 1.0, 2))
    assert fitted.scale == MIN_SLOPE
    assert calibrate(fitted, outputs).mean() == pytest.approx(0.5, rel=1e-3)


@pytest.mark.parametrize("column", ["outputs", "targets"])
def test_what_is_not_finite_is_refused(column: str) -> None:
    columns = {"outputs": np.zeros(3), "targets": np.zeros(3)}
    columns[column][1] = np.nan
    with pytest.raises(ValueError, match=f"{column} is not finite in 1 of 3 rows, the first is row 1"):
        fit("logistic", prior=OF_LITTLE, **columns)


def test_a_calibration_of_another_version_is_refused_by_name() -> None:
    with pytest.raises(ValueError, match="calibration 'ratio', known are logistic, exponential"):
        HeadCalibration("ratio", 1.0, 0.0)  # type: ignore[arg-type]


def test_a_curve_that_would_change_the_order_is_refused() -> None:
    with pytest.raises(ValueError, match=r"scale 0\.5 does not exceed the size of bend -0\.5: order"):
        HeadCalibration("logistic", 0.5, 0.0, bend=-0.5)


def test_extreme_outputs_do_not_overflow() -> None:
    assert sigmoid(np.array([-1e4, 0.0, 1e4])).tolist() == [0.0, 0.5, 1.0]
    assert calibrate(HeadCalibration("exponential", 1.0, 0.0), np.array([-1e4, 1e4])).tolist() == [
        0.0,
        pytest.approx(86_400),
    ]


@pytest.mark.parametrize("method", METHODS.values())
def test_single_precision_stays_and_agrees(method: Method) -> None:
    outputs, calibration = _logits(1000), HeadCalibration(method, 1.3, -0.2)
    single = calibrate(calibration, outputs.astype(np.float32))
    assert single.dtype == np.float32
    np.testing.assert_allclose(single, calibrate(calibration, outputs), rtol=1e-5)
