"""Log loss by hand, and at its limits."""

import numpy as np
import pytest

from contracts.metrics.log_loss import NEAREST, log_loss


def test_by_hand() -> None:
    probabilities, labels, weights = np.array([0.5, 0.9]), np.array([1.0, 0.0]), np.array([1.0, 3.0])
    assert log_loss(probabilities, labels, weights) == pytest.approx(-(np.log(0.5) + 3 * np.log(0.1)) / 4)
    assert log_loss(probabilities, labels) == pytest.approx(-(np.log(0.5) + np.log(0.1)) / 2)


def test_a_certain_and_wrong_prediction_costs_a_finite_loss() -> None:
    assert log_loss(np.array([0.0]), np.array([1.0])) == pytest.approx(-np.log(NEAREST))


def test_it_is_undefined_without_weight_and_refused_where_not_finite() -> None:
    assert log_loss(np.zeros(0), np.zeros(0)) is None
    assert log_loss(np.ones(1), np.ones(1), np.zeros(1)) is None
    with pytest.raises(ValueError, match="probabilities is not finite"):
        log_loss(np.array([np.nan]), np.array([1.0]))
