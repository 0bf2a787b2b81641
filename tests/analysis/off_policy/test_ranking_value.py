"""A ranking's value before it is shown, in a world whose relevance and examination are known."""

import numpy as np
import pytest

from analysis.off_policy.ranking_value import SeenLog, value_of_ranking

USERS, DEPTH = 400, 10
EXAMINED = np.arange(1, DEPTH + 1) ** -0.35


def relevance(predicted: np.ndarray) -> np.ndarray:
    """What posts are worth: it rises with the prediction, which is not calibrated."""
    return np.asarray(0.02 + 0.3 * predicted**2)


def one_kind(rows: np.ndarray) -> np.ndarray:
    return np.zeros(len(rows), dtype=np.int64)


def logged(seed: int) -> SeenLog:
    """Feeds ordered by what another ranker thought, worst first as often as not."""
    draw = np.random.default_rng(seed)
    predicted = draw.random((USERS, DEPTH))
    predicted.sort(axis=1)
    examined = np.broadcast_to(EXAMINED, predicted.shape)
    taste = draw.uniform(0.5, 1.5, (USERS, 1))
    rewards = draw.random(predicted.shape) < taste * examined * relevance(predicted)
    users = np.repeat(np.arange(USERS), DEPTH)
    return SeenLog(rewards.ravel().astype(float), predicted.ravel(), examined.ravel(), users, one_kind(users))


def ranking() -> tuple[np.ndarray, np.ndarray]:
    """Feeds of better posts, the best first."""
    predicted = np.random.default_rng(99).beta(3, 1, (2000, DEPTH))
    predicted = -np.sort(-predicted, axis=1)
    return predicted.ravel(), np.broadcast_to(EXAMINED, predicted.shape).ravel()


def test_the_interval_holds_the_truth_as_often_as_it_says_and_the_log_itself_does_not() -> None:
    predicted, examined = ranking()
    truth = float((examined * relevance(predicted)).mean())
    found = [value_of_ranking(logged(seed), predicted, examined, one_kind(predicted)) for seed in range(100)]
    assert sum(one.low < truth < one.high for one in found) >= 88
    assert np.mean([one.value for one in found]) == pytest.approx(truth, rel=0.02)
    assert np.mean([(one.high - one.low) / 2 / one.value for one in found]) < 0.2
    assert max(float(logged(seed).rewards.mean()) for seed in range(5)) < 0.9 * truth


def test_the_logs_own_ranking_has_the_value_that_was_seen() -> None:
    log = logged(1)
    flat = SeenLog(log.rewards, log.predicted, np.ones(len(log.rewards)), log.clusters, log.kinds)
    same = value_of_ranking(flat, flat.predicted, flat.examined, flat.kinds)
    assert same.value == pytest.approx(float(log.rewards.mean()))
    assert not same.warnings
    (warning,) = value_of_ranking(flat, np.full(50, 0.99), np.ones(50), one_kind(np.ones(50))).warnings
    assert warning.startswith("90% of the ranking's places would have to change")
    constant = SeenLog(log.rewards, np.full(len(log.rewards), 0.3), np.ones(len(log.rewards)), log.clusters, log.kinds)
    some = value_of_ranking(constant, np.array([0.0, 0.3, 1.0]), np.ones(3), np.zeros(3, dtype=np.int64))
    assert some.value == pytest.approx(float(log.rewards.mean()))


def test_a_kind_of_post_is_valued_by_its_own() -> None:
    """Ties that the ranker does not see: the log is mostly of friends, the ranking of strangers."""
    draw = np.random.default_rng(3)
    kinds, users = (draw.random(20_000) < 0.8).astype(np.int64), np.repeat(np.arange(400), 50)
    predicted = draw.random(20_000)
    rewards = (draw.random(20_000) < np.where(kinds == 1, 0.3, 0.1) * predicted).astype(float)
    log = SeenLog(rewards, predicted, np.ones(20_000), users, kinds)
    places = draw.random(5000)
    of_strangers = value_of_ranking(log, places, np.ones(5000), np.zeros(5000, dtype=np.int64))
    assert of_strangers.low < 0.05 < of_strangers.high
    assert of_strangers.high < 0.07
    assert len(of_strangers.warnings) == 1, "the log shows others"
    unknown = value_of_ranking(log, places, np.ones(5000), np.full(5000, 7))
    assert unknown.value == of_strangers.value


def test_a_log_that_cannot_be_used_is_refused() -> None:
    one = np.ones(3)
    with pytest.raises(ValueError, match="fewer than two viewers"):
        SeenLog(one, one, one, np.zeros(3), one_kind(one))
    with pytest.raises(ValueError, match="examined with a probability"):
        SeenLog(one, one, np.zeros(3), np.arange(3), one_kind(one))
    with pytest.raises(ValueError, match="a ranking has places"):
        value_of_ranking(
            SeenLog(one, one, one, np.arange(3), one_kind(one)), np.zeros(0), np.zeros(0), one_kind(np.zeros(0))
        )
