"""Shrunk means: by hand at the ends, between them in between, and never from the row that is predicted."""

from dataclasses import replace

import numpy as np
import pytest

from analysis.off_policy.decisions import DecisionLog
from analysis.off_policy.reward_model import predict_decisions, predict_feeds, shrunk_means
from tests.analysis.off_policy.worlds import decide, read_feeds

UNIFORM = np.full(3, 1 / 3)
MEANS = np.array([0.2, 0.4, 0.9])


def test_items_that_do_not_vary_keep_their_means_and_unseen_ones_take_the_prior() -> None:
    items, contexts = np.array([0, 0, 1, 1, 0, 0]), np.array([0, 0, 0, 0, 1, 1])
    rewards = np.array([1.0, 1.0, 3.0, 3.0, 5.0, 5.0])
    means = shrunk_means(items, contexts, rewards, num_items=3)
    # context 0 has mean 2 and items of means 1 and 3, context 1 only an item of mean 5; all rows have mean 3
    assert means.tolist() == [[1, 3, 2], [5, 5, 5], [3, 3, 3]]


def test_items_that_differ_by_chance_alone_share_the_mean_of_their_context() -> None:
    items, rewards = np.array([0, 0, 1, 1]), np.array([0.0, 1.0, 0.0, 1.0])
    assert shrunk_means(items, np.zeros(4, dtype=np.int64), rewards, 2).tolist() == [[0.5, 0.5], [0.5, 0.5]]


def test_shrinking_follows_buehlmann_and_straub() -> None:
    items = np.array([0] * 4 + [1] * 2)
    rewards = np.array([0.0, 1.0, 0.0, 1.0, 4.0, 5.0])
    # means 0.5 and 4.5, prior 11/6; within = (4 * 0.25 + 2 * 0.25) / (6 - 2); spread = 4 * (4/3)^2 + 2 * (8/3)^2
    within = 1.5 / 4
    between = (4 * (4 / 3) ** 2 + 2 * (8 / 3) ** 2 - within) / (6 - (16 + 4) / 6)
    strength = within / between
    want = [11 / 6 - 4 / (4 + strength) * 4 / 3, 11 / 6 + 2 / (2 + strength) * 8 / 3]
    assert shrunk_means(items, np.zeros(6, dtype=np.int64), rewards, 2)[0].tolist() == pytest.approx(want)


def test_shrunk_means_are_nearer_to_the_truth_than_plain_ones() -> None:
    generator = np.random.default_rng(6)
    squared = {"plain": 0.0, "shrunk": 0.0, "pooled": 0.0}
    for _ in range(50):
        truth = generator.normal(0.5, 0.1, 40)
        items = np.concatenate([np.arange(40), generator.integers(0, 40, 360)])
        rewards = generator.normal(truth[items], 0.5)
        plain = np.bincount(items, rewards) / np.bincount(items)
        shrunk = shrunk_means(items, np.zeros(400, dtype=np.int64), rewards, 40)[0]
        for name, means in (("plain", plain), ("shrunk", shrunk), ("pooled", rewards.mean())):
            squared[name] += float(((means - truth) ** 2).mean())
    assert squared["shrunk"] < min(squared["plain"], squared["pooled"])


def test_a_decision_is_predicted_without_its_own_cluster() -> None:
    decisions = decide(UNIFORM, UNIFORM, MEANS, 400, seed=1)
    users = np.random.default_rng(2).integers(0, 40, 400)
    log = DecisionLog(decisions.log.rewards, decisions.log.logged, decisions.log.target, users)
    contexts = np.zeros(400, dtype=np.int64)
    before = predict_decisions(log, decisions.items, contexts, decisions.target)
    changed = log.rewards.copy()
    changed[users == 7] = 100.0
    after = predict_decisions(replace(log, rewards=changed), decisions.items, contexts, decisions.target)
    np.testing.assert_array_equal(before.of_logged[users == 7], after.of_logged[users == 7])
    assert not np.array_equal(before.of_logged[users == 8], after.of_logged[users == 8])


def test_predictions_of_feeds_hold_what_the_target_policy_earns_below() -> None:
    certain = np.array([[0.0, 1.0], [0.0, 1.0], [0.0, 1.0]])
    logging = np.full((3, 2), 0.5)
    clicks = np.array([[0.0, 0.5], [0.0, 0.5], [0.0, 0.5]])
    feeds = read_feeds(logging, certain, clicks, num_positions=2, size=40_000, seed=2)
    predicted = predict_feeds(feeds.log, feeds.items, np.zeros_like(feeds.items), feeds.target)
    # Below, item 1 is always shown: half click, but half of those who clicked above are gone.
    is_second = feeds.items[:, 0] == 1
    assert predicted.of_logged[~is_second, 0].mean() == pytest.approx(0.5 * (1 - 0.125), abs=0.02)
    assert predicted.of_logged[is_second, 0].mean() == pytest.approx(0.5 + 0.5 * (1 - 0.125), abs=0.02)
    assert predicted.of_target[:, 0].mean() == pytest.approx(0.5 + 0.5 * (1 - 0.125), abs=0.02)


def test_codes_and_policies_that_do_not_fit_the_log_are_refused() -> None:
    decisions = decide(UNIFORM, UNIFORM, MEANS, 20, seed=1)
    contexts = np.zeros(20, dtype=np.int64)
    with pytest.raises(ValueError, match="codes from 0 to 2"):
        predict_decisions(decisions.log, decisions.items + 1, contexts, decisions.target)
    with pytest.raises(ValueError, match="contexts codes from 0"):
        predict_decisions(decisions.log, decisions.items, contexts - 1, decisions.target)
    with pytest.raises(ValueError, match="with sum 1"):
        predict_decisions(decisions.log, decisions.items, contexts, decisions.target / 2)
    with pytest.raises(ValueError, match="not the one in the log"):
        predict_decisions(decisions.log, decisions.items, contexts, np.tile([0.5, 0.25, 0.25], (20, 1)))
    with pytest.raises(ValueError, match="lacks its item, context or target"):
        predict_decisions(decisions.log, decisions.items[1:], contexts, decisions.target)
