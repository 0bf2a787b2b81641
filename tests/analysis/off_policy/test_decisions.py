"""Estimators of single decisions: hand-computed, unbiased where they should be, and clear about logs that fail."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from analysis.off_policy.decisions import DecisionLog, doubly_robust, ips, self_normalised
from analysis.off_policy.predicted import Predicted
from tests.analysis.off_policy.worlds import decide

MEANS = np.array([0.05, 0.2, 0.6])
LOGGING, TARGET = np.array([0.6, 0.3, 0.1]), np.array([0.1, 0.3, 0.6])
log_rows = st.lists(st.tuples(st.floats(0, 5), st.floats(0.01, 1)), min_size=2, max_size=50)


def test_by_hand() -> None:
    log = DecisionLog(np.array([1.0, 0.0, 2.0]), np.array([0.5, 0.25, 0.8]), np.array([0.25, 0.5, 0.4]))
    # weights 0.5, 2, 0.5; weighted rewards 0.5, 0, 1
    assert ips(log).value == pytest.approx(0.5)
    assert ips(log).standard_error == pytest.approx(0.5 / np.sqrt(3))
    assert self_normalised(log).value == pytest.approx(1.5 / 3)
    predicted = Predicted(np.array([1.0, 0.5, 1.0]), np.array([0.8, 0.7, 0.6]))
    # terms: 0.8 + 0.5 * 0, 0.7 + 2 * -0.5, 0.6 + 0.5 * 1
    assert doubly_robust(log, predicted).value == pytest.approx((0.8 - 0.3 + 1.1) / 3)
    assert ips(log).effective_size == pytest.approx(9 / 4.5)
    assert ips(log).mean_weight == pytest.approx(1.0)


def test_all_find_the_value_of_a_policy_that_was_not_run() -> None:
    truth = float(TARGET @ MEANS)
    rough = np.array([0.1, 0.1, 0.5])  # a model that is wrong
    misses = {"ips": 0, "self_normalised": 0, "doubly_robust": 0}
    for seed in range(200):
        decisions = decide(LOGGING, TARGET, MEANS, 2_000, seed)
        predicted = Predicted(rough[decisions.items], np.full(2_000, float(TARGET @ rough)))
        for estimate in (
            ips(decisions.log),
            self_normalised(decisions.log),
            doubly_robust(decisions.log, predicted),
        ):
            misses[estimate.estimator] += not estimate.low <= truth <= estimate.high
    # 5 % of 95 % intervals miss; of 200, more than 20 or fewer than 2 would be one chance in a hundred.
    assert all(2 <= count <= 20 for count in misses.values()), misses


def test_doubly_robust_survives_wrong_propensities_where_the_model_is_right() -> None:
    decisions = decide(LOGGING, TARGET, MEANS, 200_000, seed=1)
    wrong = DecisionLog(decisions.log.rewards, np.full(200_000, 0.4), decisions.log.target)
    predicted = Predicted(MEANS[decisions.items], np.full(200_000, float(TARGET @ MEANS)))
    estimate, truth = doubly_robust(wrong, predicted), float(TARGET @ MEANS)
    assert estimate.low < truth < estimate.high
    assert not ips(wrong).low < truth < ips(wrong).high
    assert "the logged propensities are not those" in ips(wrong).warnings[0]


@given(log_rows)
def test_the_logging_policy_is_worth_what_it_earned(rows: list[tuple[float, float]]) -> None:
    rewards, logged = np.array(rows).T
    log = DecisionLog(rewards, logged, logged)
    predicted = Predicted(rewards / 2, rewards / 2)
    for estimate in (ips(log), self_normalised(log), doubly_robust(log, predicted)):
        assert estimate.value == pytest.approx(rewards.mean())
        assert estimate.effective_size == pytest.approx(len(rows))
        assert estimate.mean_weight == pytest.approx(1.0)


@given(log_rows, st.floats(0.1, 1), st.floats(-3, 3))
def test_self_normalised_ignores_the_scale_of_weights_and_moves_with_rewards(
    rows: list[tuple[float, float]], scale: float, shift: float
) -> None:
    rewards, target = np.array(rows).T
    logged = np.full(len(rows), 0.5)
    value = self_normalised(DecisionLog(rewards, logged, target)).value
    assert rewards.min() - 1e-9 <= value <= rewards.max() + 1e-9
    assert self_normalised(DecisionLog(rewards, logged, scale * target)).value == pytest.approx(value)
    assert self_normalised(DecisionLog(rewards + shift, logged, target)).value == pytest.approx(value + shift)


def test_decisions_of_one_user_widen_the_interval() -> None:
    decisions = decide(LOGGING, TARGET, MEANS, 500, seed=2).log
    repeated = {name: np.tile(getattr(decisions, name), 4) for name in ("rewards", "logged", "target")}
    by_user = DecisionLog(**repeated, clusters=np.tile(np.arange(500), 4))
    for estimator in (ips, self_normalised):
        once, four_times = estimator(decisions), estimator(by_user)
        assert four_times.value == pytest.approx(once.value)
        assert four_times.standard_error == pytest.approx(once.standard_error)
        assert estimator(DecisionLog(**repeated)).standard_error == pytest.approx(once.standard_error / 2, rel=0.01)


HALF = np.array([0.5, 0.5])
ONE = np.ones(2)


@pytest.mark.parametrize(
    ("rewards", "logged", "target", "message"),
    [
        (ONE, np.array([0.5, 0.0]), HALF, "propensity is not in"),
        (ONE, np.array([0.5, 1.5]), HALF, "propensity is not in"),
        (ONE, np.array([0.5, np.nan]), HALF, "propensity is not in"),
        (ONE, HALF, np.array([0.5, -0.1]), "target probability is not in"),
        (ONE, HALF, np.array([0.5, 1.1]), "target probability is not in"),
        (ONE, HALF, np.array([0.5, np.nan]), "target probability is not in"),
        (np.array([1.0, np.nan]), HALF, HALF, "rewards is not finite in 1 of 2"),
        (ONE, HALF, np.zeros(2), "none of the logged decisions"),
        (ONE, HALF, HALF[:1], "equally long"),
        (ONE[:1], HALF[:1], HALF[:1], "one decision or one cluster"),
        (ONE[:0], HALF[:0], HALF[:0], "empty"),
        (np.ones((2, 2)), np.ones((2, 2)), np.ones((2, 2)), "must have 1 axes"),
    ],
)
def test_a_log_that_cannot_be_used_is_refused(
    rewards: np.ndarray, logged: np.ndarray, target: np.ndarray, message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        DecisionLog(rewards, logged, target)


def test_one_cluster_and_predictions_that_do_not_fit_are_refused() -> None:
    with pytest.raises(ValueError, match="one decision or one cluster"):
        DecisionLog(ONE, HALF, HALF, clusters=np.zeros(2))
    log = DecisionLog(ONE, HALF, HALF)
    with pytest.raises(ValueError, match="of_target has shape"):
        doubly_robust(log, Predicted(ONE, np.ones(3)))
    with pytest.raises(ValueError, match="of_logged is not finite"):
        doubly_robust(log, Predicted(np.array([1.0, np.inf]), ONE))
