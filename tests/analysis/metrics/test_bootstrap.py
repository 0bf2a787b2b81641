"""The user bootstrap: the normal interval where that is right, whole users, pairs, and clear refusals."""

from functools import partial

import numpy as np
import pytest

from analysis.metrics.bootstrap import bootstrap, paired_difference, pooled
from contracts.metrics.auc import auc
from contracts.metrics.columns import Floats


def test_interval_matches_the_normal_one() -> None:
    values = np.random.default_rng(3).normal(2.0, 1.0, size=(2000, 1))
    mean, low, high = bootstrap(np.hstack([values, values - values]), resamples=1000, seed=5)
    error = values.std() / np.sqrt(2000)
    assert mean[0] == pytest.approx(values.mean())
    assert low[0] == pytest.approx(mean[0] - 1.96 * error, abs=0.3 * error)
    assert high[0] == pytest.approx(mean[0] + 1.96 * error, abs=0.3 * error)
    assert (low[1], high[1]) == (0, 0)
    assert bootstrap(values, 50, seed=5)[1] == bootstrap(values, 50, seed=5)[1]
    assert bootstrap(values, 50, seed=5)[1] != bootstrap(values, 50, seed=6)[1]


def test_pairs_find_a_difference_that_unpaired_intervals_hide() -> None:
    generator = np.random.default_rng(4)
    champion = generator.normal(0.4, 0.2, 500)
    challenger = champion + generator.normal(0.01, 0.02, 500)
    found = paired_difference(challenger, champion, 1000, seed=1)
    assert 0 < found.low < found.value < found.high
    assert found.value == pytest.approx((challenger - champion).mean())
    assert found.num_users == 500
    _, low, high = bootstrap(np.stack([champion, challenger], axis=1), 1000, seed=1)
    assert low[1] < high[0]


def test_a_pooled_auc_has_the_interval_of_drawing_users() -> None:
    generator = np.random.default_rng(5)
    users = np.repeat(np.arange(40), 5)
    scores = generator.random(200)
    labels = (generator.random(200) < scores).astype(np.float64)
    found = pooled(users, partial(auc, scores, labels), 200, seed=7)
    draws = np.random.default_rng(7)
    want = []
    for _ in range(200):
        chosen = np.concatenate([np.flatnonzero(users == user) for user in draws.integers(40, size=40)])
        want.append(auc(scores[chosen], labels[chosen]))
    assert found.value == pytest.approx(auc(scores, labels))
    assert (found.low, found.high) == pytest.approx(tuple(np.quantile(np.array(want, float), [0.025, 0.975])))
    assert found.num_users == 40


def test_the_difference_of_two_pooled_aucs_is_paired() -> None:
    generator = np.random.default_rng(6)
    users, truth = np.arange(400), generator.random(400)
    labels = (generator.random(400) < truth).astype(np.float64)
    better, worse = truth + generator.normal(0, 0.1, 400), truth + generator.normal(0, 0.4, 400)

    def difference(weights: Floats) -> float | None:
        left, right = auc(better, labels, weights), auc(worse, labels, weights)
        return None if left is None or right is None else left - right

    assert pooled(users, difference, 300, seed=2).low > 0


def test_what_cannot_be_drawn_from_is_refused() -> None:
    with pytest.raises(ValueError, match="at least one user"):
        bootstrap(np.zeros((0, 1)), 10, 1)
    with pytest.raises(ValueError, match="not finite"):
        bootstrap(np.array([[np.nan]]), 10, 1)
    with pytest.raises(ValueError, match="the same users"):
        paired_difference(np.zeros(2), np.zeros(3), 10, 1)
    with pytest.raises(ValueError, match="one class only"):
        pooled(np.arange(3), partial(auc, np.arange(3), np.ones(3)), 10, 1)
    with pytest.raises(ValueError, match="one class only"):
        pooled(np.zeros(0), partial(auc, np.zeros(0), np.zeros(0)), 10, 1)
    with pytest.raises(ValueError, match="undefined in"):  # few draws hold each of three users once
        pooled(np.arange(3), lambda weights: 1.0 if (weights == 1).all() else None, 100, 1)
