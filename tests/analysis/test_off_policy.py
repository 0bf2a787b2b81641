"""Off-policy estimates: unbiased where propensities are known, exact where nothing changes."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from analysis.off_policy import Floats, effective_size, importance_weights, ips, snips

REWARD_OF = np.array([0.05, 0.2, 0.6])


def logged_by(policy: Floats, size: int, seed: int) -> tuple[NDArray[np.int64], Floats]:
    generator = np.random.default_rng(seed)
    actions = generator.choice(3, size=size, p=policy)
    return actions, (generator.random(size) < REWARD_OF[actions]).astype(np.float64)


def test_estimates_find_the_value_of_a_policy_that_was_not_run() -> None:
    logging, target = np.array([0.6, 0.3, 0.1]), np.array([0.1, 0.3, 0.6])
    truth = float(target @ REWARD_OF)
    misses = {"ips": 0, "snips": 0}
    for seed in range(200):
        actions, rewards = logged_by(logging, 2_000, seed)
        weights = importance_weights(target[actions], logging[actions])
        for name, estimate in (("ips", ips(rewards, weights)), ("snips", snips(rewards, weights))):
            misses[name] += abs(estimate.value - truth) > 1.96 * estimate.standard_error
    # 5 % of 95 % intervals miss; of 200, more than 20 or fewer than 2 would be one chance in a hundred.
    assert all(2 <= count <= 20 for count in misses.values()), misses


@given(st.lists(st.tuples(st.floats(0, 5), st.floats(0.01, 1)), min_size=2, max_size=50))
def test_the_logging_policy_is_worth_what_it_earned(log: list[tuple[float, float]]) -> None:
    rewards, logged = np.array(log).T
    weights = importance_weights(logged, logged)
    assert ips(rewards, weights).value == pytest.approx(rewards.mean())
    assert snips(rewards, weights).value == pytest.approx(rewards.mean())
    assert effective_size(weights) == pytest.approx(len(log))


@given(
    st.lists(st.tuples(st.floats(0, 5), st.floats(0.01, 10)), min_size=2, max_size=50),
    st.floats(0.1, 10),
    st.floats(-3, 3),
)
def test_self_normalised_ignores_the_scale_of_weights_and_moves_with_rewards(
    log: list[tuple[float, float]], scale: float, shift: float
) -> None:
    rewards, weights = np.array(log).T
    value = snips(rewards, weights).value
    assert rewards.min() - 1e-9 <= value <= rewards.max() + 1e-9
    assert snips(rewards, scale * weights).value == pytest.approx(value)
    assert snips(rewards + shift, weights).value == pytest.approx(value + shift)


@pytest.mark.parametrize(("target", "logged"), [(0.5, 0.0), (0.5, 1.5), (0.5, float("nan")), (-0.1, 0.5), (1.1, 0.5)])
def test_impossible_probabilities_are_refused(target: float, logged: float) -> None:
    with pytest.raises(ValueError, match="is not in"):
        importance_weights(np.array([target]), np.array([logged]))


def test_a_log_that_says_nothing_about_the_target_is_refused() -> None:
    with pytest.raises(ValueError, match="none of the logged decisions"):
        snips(np.ones(3), np.zeros(3))
    assert effective_size(np.zeros(3)) == 0.0
