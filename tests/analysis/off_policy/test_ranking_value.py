"""A ranking's value before it is shown, in a world whose relevance and examination are known."""

import numpy as np
import pytest

from analysis.off_policy.ranking_value import SeenLog, value_of_ranking

USERS, DEPTH = 400, 10
EXAMINED = np.arange(1, DEPTH + 1) ** -0.35


def relevance(predicted: np.ndarray) -> np.ndarray:
    """What posts are worth: it rises with the prediction, which is not calibrated."""
    return np.asarray(0.02 + 0.3 * predicted**2)


def logged(seed: int) -> SeenLog:
    """Feeds ordered by what another ranker thought, worst first as often as not."""
    draw = np.random.default_rng(seed)
    predicted = draw.random((USERS, DEPTH))
    predicted.sort(axis=1)
    examined = np.broadcast_to(EXAMINED, predicted.shape)
    taste = draw.uniform(0.5, 1.5, (USERS, 1))
    rewards = draw.random(predicted.shape) < taste * examined * relevance(predicted)
    users = np.repeat(np.arange(USERS), DEPTH)
    return SeenLog(rewards.ravel().astype(float), predicted.ravel(), examined.ravel(), users)


def ranking() -> tuple[np.ndarray, np.ndarray]:
    """Feeds of better posts, the best first."""
    predicted = np.random.default_rng(99).beta(3, 1, (2000, DEPTH))
    predicted = -np.sort(-predicted, axis=1)
    return predicted.ravel(), np.broadcast_to(EXAMINED, predicted.shape).ravel()


def test_the_interval_holds_the_truth_as_often_as_it_says_and_the_log_itself_does_not() -> None:
    predicted, examined = ranking()
    truth = float((examined * relevance(predicted)).mean())
    found = [value_of_ranking(logged(seed), predicted, examined) for seed in range(100)]
    assert sum(one.low < truth < one.high for one in found) >= 88
    assert np.mean([one.value for one in found]) == pytest.approx(truth, rel=0.02)
    assert np.mean([(one.high - one.low) / 2 / one.value for one in found]) < 0.2
    assert max(float(logged(seed).rewards.mean()) for seed in range(5)) < 0.9 * truth


def test_the_logs_own_ranking_has_the_value_that_was_seen() -> None:
    log = logged(1)
    flat = SeenLog(log.rewards, log.predicted, np.ones(len(log.rewards)), log.clusters)
    same = value_of_ranking(flat, flat.predicted, flat.examined)
    assert same.value == pytest.approx(float(log.rewards.mean()))
    constant = SeenLog(log.rewards, np.full(len(log.rewards), 0.3), np.ones(len(log.rewards)), log.clusters)
    some = value_of_ranking(constant, np.array([0.0, 0.3, 1.0]), np.ones(3))
    assert some.value == pytest.approx(float(log.rewards.mean()))


def test_a_log_that_cannot_be_used_is_refused() -> None:
    one = np.ones(3)
    with pytest.raises(ValueError, match="fewer than two viewers"):
        SeenLog(one, one, one, np.zeros(3))
    with pytest.raises(ValueError, match="examined with a probability"):
        SeenLog(one, one, np.zeros(3), np.arange(3))
    with pytest.raises(ValueError, match="a ranking has places"):
        value_of_ranking(SeenLog(one, one, one, np.arange(3)), np.zeros(0), np.zeros(0))
