"""Estimators of whole feeds on simulated readers whose truth is computed exactly."""

import numpy as np
import pytest

from analysis.off_policy.decisions import DecisionLog, doubly_robust, ips, self_normalised
from analysis.off_policy.feeds import (
    FeedLog,
    cascade_doubly_robust,
    cascade_ips,
    cascade_self_normalised,
    feed_ips,
)
from analysis.off_policy.predicted import Predicted
from analysis.off_policy.reward_model import predict_feeds
from tests.analysis.off_policy.worlds import read_feeds, true_value

NUM_POSITIONS = 4
LOGGING = np.array([[0.5, 0.3, 0.2], [0.4, 0.4, 0.2], [0.5, 0.2, 0.3], [0.6, 0.3, 0.1]])
TARGET = np.array([[0.3, 0.3, 0.4], [0.2, 0.4, 0.4], [0.4, 0.2, 0.4], [0.4, 0.4, 0.2]])
CLICKS = np.array([[0.2, 0.4, 0.7], [0.1, 0.4, 0.7], [0.2, 0.2, 0.7], [0.2, 0.4, 0.4]])


def test_by_hand() -> None:
    rewards = np.array([[1.0, 0.0], [0.0, 2.0]])
    logged, target = np.array([[0.5, 0.5], [0.5, 0.25]]), np.array([[0.25, 0.5], [0.75, 0.5]])
    log = FeedLog(rewards, logged, target)
    # ratios (0.5, 1) and (1.5, 2), so weights (0.5, 0.5) and (1.5, 3)
    assert log.weights.tolist() == [[0.5, 0.5], [1.5, 3.0]]
    assert feed_ips(log).value == pytest.approx((0.5 * 1 + 3 * 2) / 2)
    assert cascade_ips(log).value == pytest.approx((0.5 * 1 + 3 * 2) / 2)
    assert cascade_self_normalised(log).value == pytest.approx(0.5 / 2 + 6 / 3.5)
    predicted = Predicted(np.array([[0.5, 0.2], [0.4, 1.0]]), np.array([[0.6, 0.3], [0.6, 0.8]]))
    first = 0.6 + 0.5 * (1 - 0.5) + 0.5 * 0.3 + 0.5 * (0 - 0.2)
    second = 0.6 + 1.5 * (0 - 0.4) + 1.5 * 0.8 + 3 * (2 - 1)
    assert cascade_doubly_robust(log, predicted).value == pytest.approx((first + second) / 2)
    assert feed_ips(log).effective_size == pytest.approx(3.5**2 / 9.25)
    assert cascade_ips(log).mean_weight == pytest.approx(1.75)


def test_a_feed_of_one_position_is_a_decision() -> None:
    feeds = read_feeds(LOGGING, TARGET, CLICKS, num_positions=1, size=300, seed=3)
    log = DecisionLog(*(column[:, 0] for column in (feeds.log.rewards, feeds.log.logged, feeds.log.target)))
    predicted = Predicted(feeds.log.rewards / 2, feeds.log.rewards / 3)
    flat = Predicted(predicted.of_logged[:, 0], predicted.of_target[:, 0])
    for of_feeds, of_decisions in (
        (feed_ips(feeds.log), ips(log)),
        (cascade_ips(feeds.log), ips(log)),
        (cascade_self_normalised(feeds.log), self_normalised(log)),
        (cascade_doubly_robust(feeds.log, predicted), doubly_robust(log, flat)),
    ):
        assert of_feeds.value == pytest.approx(of_decisions.value)
        assert of_feeds.standard_error == pytest.approx(of_decisions.standard_error)


def test_the_world_earns_its_truth() -> None:
    earned = read_feeds(TARGET, TARGET, CLICKS, num_positions=NUM_POSITIONS, size=200_000, seed=1).log.rewards.sum(
        axis=1
    )
    error = earned.std() / np.sqrt(200_000)
    assert true_value(TARGET, CLICKS, NUM_POSITIONS) == pytest.approx(earned.mean(), abs=3 * error)


def test_cascade_estimators_are_unbiased_and_less_noisy_each_than_the_one_before() -> None:
    truth = true_value(TARGET, CLICKS, NUM_POSITIONS)
    found: dict[str, list[tuple[float, float, bool]]] = {}
    for seed in range(300):
        feeds = read_feeds(LOGGING, TARGET, CLICKS, num_positions=NUM_POSITIONS, size=400, seed=seed)
        predicted = predict_feeds(feeds.log, feeds.items, feeds.above, feeds.target)
        for estimate in (
            feed_ips(feeds.log),
            cascade_ips(feeds.log),
            cascade_doubly_robust(feeds.log, predicted),
            cascade_self_normalised(feeds.log),
        ):
            row = (estimate.value, estimate.standard_error, estimate.low <= truth <= estimate.high)
            found.setdefault(estimate.estimator, []).append(row)
    deviation = {}
    print(f"truth {truth:.4f} clicks per feed")
    for name, rows in found.items():
        values, errors, covered = np.array(rows).T
        deviation[name] = float(values.std(ddof=1))
        print(f"{name}: mean {values.mean():.4f}, deviation {deviation[name]:.4f}, {covered.sum():.0f} of 300 hold it")
        assert values.mean() == pytest.approx(truth, abs=3 * deviation[name] / np.sqrt(300))
        assert 270 <= covered.sum() <= 297  # 285 expected
        assert errors.mean() == pytest.approx(deviation[name], rel=0.15)
    assert deviation["cascade_doubly_robust"] < 0.8 * deviation["cascade_ips"] < 0.8 * 0.9 * deviation["feed_ips"]


def test_a_position_that_a_feed_does_not_have_changes_nothing() -> None:
    feeds = read_feeds(LOGGING, TARGET, CLICKS, num_positions=3, size=300, seed=4)
    ended = np.random.default_rng(5).random(300) < 0.4
    columns = {name: getattr(feeds.log, name).copy() for name in ("rewards", "logged", "target")}
    for name, pad in (("rewards", 0.0), ("logged", 1.0), ("target", 1.0)):
        columns[name][ended, 2] = pad
    policy = feeds.target.copy()
    policy[ended, 2] = np.eye(3)[feeds.items[ended, 2]]
    predicted = predict_feeds(FeedLog(**columns), feeds.items, feeds.above, policy)
    padded = FeedLog(**{name: values[ended] for name, values in columns.items()})
    short = FeedLog(**{name: values[ended, :2] for name, values in columns.items()})
    of_padded = Predicted(predicted.of_logged[ended], predicted.of_target[ended])
    of_short = Predicted(predicted.of_logged[ended, :2], predicted.of_target[ended, :2])
    assert cascade_ips(padded).value == pytest.approx(cascade_ips(short).value)
    robust = cascade_doubly_robust(padded, of_padded)
    assert robust.value == pytest.approx(cascade_doubly_robust(short, of_short).value)


@pytest.mark.parametrize(
    ("rewards", "logged", "target", "message"),
    [
        (np.ones(2), np.ones(2), np.ones(2), "must have 2 axes"),
        (np.ones((2, 0)), np.ones((2, 0)), np.ones((2, 0)), "empty"),
        (np.ones((0, 2)), np.ones((0, 2)), np.ones((0, 2)), "empty"),
        (np.ones((1, 2)), np.ones((1, 2)), np.ones((1, 2)), "one decision or one cluster"),
        (np.full((2, 2), np.nan), np.ones((2, 2)), np.ones((2, 2)), "rewards is not finite in 4 of 4"),
        (np.ones((2, 2)), np.zeros((2, 2)), np.ones((2, 2)), "propensity is not in"),
        (np.ones((2, 2)), np.ones((2, 2)), np.full((2, 2), np.nan), "target probability is not in"),
        (np.ones((2, 2)), np.ones((2, 2)), np.zeros((2, 2)), "none of the logged feeds down to position 1"),
        (np.ones((2, 2)), np.ones((2, 2)), np.eye(2), "none of the logged feeds down to position 2"),
    ],
)
def test_a_log_that_cannot_be_used_is_refused(
    rewards: np.ndarray, logged: np.ndarray, target: np.ndarray, message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        FeedLog(rewards, logged, target)
