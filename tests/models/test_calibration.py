import numpy as np
import pytest

from contracts.metrics.calibration import bins_of_rows, calibration_error
from models.calibration import calibrate, fit_binary, fit_dwell, sigmoid


def _logits(num_rows: int = 20_000) -> np.ndarray:
    return np.random.default_rng(3).normal(-1.5, 1.0, num_rows)


def test_platt_recovers_a_known_distortion() -> None:
    true_logits = _logits()
    labels = (np.random.default_rng(4).random(len(true_logits)) < sigmoid(true_logits)).astype(float)
    distorted = (true_logits + 1.0) / 0.5  # undone by scale 0.5, offset -1
    weights = np.ones(len(labels))
    fitted = fit_binary(distorted, labels, weights, training_rate=0.2)
    assert fitted.method == "platt"
    assert fitted.scale == pytest.approx(0.5, abs=0.02)
    assert fitted.offset == pytest.approx(-1.0, abs=0.05)
    after = calibration_error(bins_of_rows(calibrate(fitted, distorted), labels, 15))
    before = calibration_error(bins_of_rows(sigmoid(distorted), labels, 15))
    assert after is not None
    assert before is not None
    assert after < 0.01
    assert before > 0.1
    # at the optimum of the likelihood the mean prediction is the observed rate
    assert calibrate(fitted, distorted).mean() == pytest.approx(labels.mean(), abs=1e-6)


def test_without_positives_only_the_mean_moves_to_the_training_rate() -> None:
    logits = _logits(500)
    fitted = fit_binary(logits, np.zeros(500), np.ones(500), training_rate=0.003)
    assert (fitted.method, fitted.scale) == ("prior", 1.0)
    assert calibrate(fitted, logits).mean() == pytest.approx(0.003, rel=1e-6)


def test_a_reversed_head_keeps_its_order() -> None:
    logits = _logits(2000)
    labels = (logits < np.median(logits)).astype(float)
    assert fit_binary(logits, labels, np.ones(2000), training_rate=0.5).method == "prior"


def test_weights_count() -> None:
    logits = _logits(4000)
    labels = (np.random.default_rng(5).random(4000) < 0.3).astype(float)
    weights = np.where(labels == 1, 3.0, 1.0)
    repeated = np.concatenate([np.repeat(logits[labels == 1], 3), logits[labels == 0]])
    repeated_labels = np.concatenate([np.ones(int(labels.sum()) * 3), np.zeros(int((1 - labels).sum()))])
    weighted = fit_binary(logits, labels, weights, 0.3)
    assert weighted.offset == pytest.approx(fit_binary(repeated, repeated_labels, np.ones(len(repeated)), 0.3).offset)


def test_dwell_seconds_have_the_observed_mean() -> None:
    outputs = np.log1p(np.array([1.0, 3.0, 0.0]))
    labels = np.log1p(np.array([4.0, 4.0, 0.0]))
    fitted = fit_dwell(outputs, labels, np.ones(3))
    assert (fitted.method, fitted.offset) == ("ratio", 0.0)
    assert fitted.scale == pytest.approx(2.0)
    assert calibrate(fitted, outputs).tolist() == pytest.approx([2.0, 6.0, 0.0])
    assert fit_dwell(outputs, np.zeros(3), np.ones(3)).scale == 1.0


def test_extreme_logits_do_not_overflow() -> None:
    assert sigmoid(np.array([-1e4, 0.0, 1e4])).tolist() == [0.0, 0.5, 1.0]
