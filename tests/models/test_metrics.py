import numpy as np
import pytest

from models.metrics import auc, calibration_error, log_loss


def test_auc_by_hand_with_a_tie() -> None:
    scores, labels = np.array([0.9, 0.5, 0.5, 0.1]), np.array([1.0, 1.0, 0.0, 0.0])
    # pairs: 0.9 beats both; 0.5 ties with one and beats the other
    assert auc(scores, labels, np.ones(4)) == pytest.approx((1 + 1 + 0.5 + 1) / 4)


@pytest.mark.parametrize("seed", range(5))
def test_auc_equals_counting_pairs(seed: int) -> None:
    generator = np.random.default_rng(seed)
    scores, labels = generator.integers(0, 20, 60) / 20, (generator.random(60) < 0.3).astype(float)
    weights = generator.random(60)
    wins = (scores[:, None] > scores) + 0.5 * (scores[:, None] == scores)
    pairs = np.outer(weights * labels, weights * (1 - labels))
    assert auc(scores, labels, weights) == pytest.approx((wins * pairs).sum() / pairs.sum())


def test_auc_is_undefined_with_one_class() -> None:
    assert auc(np.array([0.1, 0.2]), np.zeros(2), np.ones(2)) is None
    assert auc(np.array([0.1, 0.2]), np.ones(2), np.ones(2)) is None


def test_log_loss_by_hand() -> None:
    probabilities, labels, weights = np.array([0.5, 0.9]), np.array([1.0, 0.0]), np.array([1.0, 3.0])
    assert log_loss(probabilities, labels, weights) == pytest.approx(-(np.log(0.5) + 3 * np.log(0.1)) / 4)


def test_calibration_error_by_hand() -> None:
    probabilities = np.array([0.1, 0.3, 0.6, 0.8])
    labels = np.array([0.0, 1.0, 1.0, 1.0])
    # bins {0.1, 0.3} and {0.6, 0.8}: gaps |0.4 - 1| and |1.4 - 2|, over four rows
    assert calibration_error(probabilities, labels, np.ones(4), num_bins=2) == pytest.approx((0.6 + 0.6) / 4)
    assert calibration_error(probabilities, labels, np.ones(4), num_bins=1) == pytest.approx(1.2 / 4)


def test_no_rows_are_undefined() -> None:
    empty = np.zeros(0)
    assert log_loss(empty, empty, empty) is None
    assert calibration_error(empty, empty, empty) is None
