"""Examination curves recovered from logs drawn from a known one."""

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from analysis.position_bias import (
    NUM_GROUPS,
    Counts,
    Curve,
    Floats,
    Ints,
    from_randomised,
    inverse_weights,
    pool_positions,
    regression_em,
)

DEPTH = 6
TRUTH = np.arange(1, DEPTH + 1) ** -0.5


def draw_requests(num_requests: int, seed: int) -> tuple[Ints, Ints, Ints, Floats]:
    """position, reach, user and relevance of each impression: the deeper a request reaches, the less it holds."""
    generator = np.random.default_rng(seed)
    depth = generator.integers(1, DEPTH + 1, num_requests)
    reach = np.repeat(depth, depth)
    position = np.concatenate([np.arange(1, length + 1) for length in depth])
    user = np.repeat(generator.integers(0, num_requests // 5, num_requests), depth)
    liking = generator.normal(0.0, 0.5, num_requests // 5)[user]
    relevance = 1 / (1 + np.exp(0.3 * reach - liking - generator.normal(0.0, 1.0, len(reach))))
    return position, reach, user, relevance


def counts_of(position: Ints, reach: Ints, user: Ints, engaged: Floats, propensity: NDArray[Any]) -> Counts:
    ones = np.ones(len(position))
    return Counts(position - 1, reach, user % NUM_GROUPS, ones, ones / propensity, engaged / propensity)


def test_randomised_requests_give_the_curve_though_deep_requests_are_different() -> None:
    position, reach, user, relevance = draw_requests(60_000, 1)
    engaged = (np.random.default_rng(2).random(len(position)) < TRUTH[position - 1] * relevance).astype(float)
    curve = from_randomised(counts_of(position, reach, user, engaged, 1 / reach))
    assert curve.examined[0] == curve.low[0] == curve.high[0] == 1
    np.testing.assert_allclose(curve.examined, TRUTH, rtol=0.04)
    rates = np.bincount(position, engaged)[1:] / np.bincount(position)[1:]
    assert rates[-1] / rates[0] < 0.9 * TRUTH[-1]  # without strata the deep requests' users would make the curve


def test_inverse_propensities_undo_an_uneven_draw() -> None:
    """Better posts are drawn to position 1 more often, with known chances."""
    generator = np.random.default_rng(3)
    relevance = generator.choice([0.2, 0.6], 200_000)
    favoured = np.where(relevance > 0.4, 0.8, 0.3)
    first = generator.random(200_000) < favoured
    position, propensity = np.where(first, 1, 2), np.where(first, favoured, 1 - favoured)
    engaged = (generator.random(200_000) < TRUTH[position - 1] * relevance).astype(float)
    user, reach = np.arange(200_000), np.full(200_000, 2)
    assert from_randomised(counts_of(position, reach, user, engaged, propensity)).examined[1] == pytest.approx(
        TRUTH[1], rel=0.03
    )
    unweighted = from_randomised(counts_of(position, reach, user, engaged, np.ones(200_000))).examined[1]
    assert unweighted < 0.8 * TRUTH[1]


def check_intervals(curves: list[Curve]) -> None:
    """Intervals hold the truth about as often as they say, and are no wider than the estimates scatter."""
    held = np.mean([(curve.low <= TRUTH) & (curve.high >= TRUTH) for curve in curves], axis=0)[1:]
    assert (held >= 0.85).all()
    assert held.mean() >= 0.92
    stated = np.mean([np.log(curve.high / curve.low) / 4 for curve in curves], axis=0)[1:]
    scatter = np.std([np.log(curve.examined) for curve in curves], axis=0)[1:]
    assert (stated < 1.35 * scatter).all()


def test_intervals_of_randomised_slots_are_honest() -> None:
    curves = []
    for seed in range(100):
        position, reach, user, relevance = draw_requests(3_000, seed)
        drawn = np.random.default_rng(seed + 500).random(len(position))
        engaged = (drawn < TRUTH[position - 1] * relevance).astype(np.float64)
        curves.append(from_randomised(counts_of(position, reach, user, engaged, 1 / reach)))
    check_intervals(curves)


def confounded(num_rows: int, seed: int) -> tuple[Floats, Ints, NDArray[np.bool_]]:
    """Features, position from 0 and engagement of a log whose better posts stand higher."""
    generator = np.random.default_rng(seed)
    features = generator.normal(size=(num_rows, 2))
    score = features @ [1.0, 0.7] + generator.normal(0.0, 1.0, num_rows)
    position = DEPTH - 1 - np.digitize(score, np.quantile(score, np.arange(1, DEPTH) / DEPTH))
    relevance = 1 / (1 + np.exp(1.0 - features @ [1.0, 0.7]))
    return features, position, generator.random(num_rows) < TRUTH[position] * relevance


def test_regression_em_tells_position_from_relevance() -> None:
    features, position, engaged = confounded(150_000, 7)
    rates = np.bincount(position, engaged) / np.bincount(position)
    assert rates[-1] / rates[0] < 0.6 * TRUTH[-1]
    fitted = regression_em(features, position, engaged)
    assert fitted.converged
    np.testing.assert_allclose(fitted.curve.examined, TRUTH, rtol=0.05)
    steps = np.diff(fitted.log_likelihoods)
    assert (steps > -1e-12).all(), "the likelihood never falls"


def test_intervals_of_regression_em_are_honest() -> None:
    check_intervals([regression_em(*confounded(5_000, seed)).curve for seed in range(80)])


def test_features_that_say_nothing_do_no_harm() -> None:
    features, position, engaged = confounded(20_000, 9)
    constant = np.column_stack([features, np.ones(20_000), features[:, 0]])
    expected = regression_em(features, position, engaged).curve.examined
    np.testing.assert_allclose(regression_em(constant, position, engaged).curve.examined, expected, rtol=0.01)


def test_scarce_positions_share_a_bin_and_position_1_stays_alone() -> None:
    assert pool_positions(np.array([500.0, 100, 60, 50, 200, 30]), 100).tolist() == [0, 1, 2, 2, 3, 3]
    assert pool_positions(np.array([500.0, 100, 10]), 100).tolist() == [0, 1, 1]
    assert pool_positions(np.array([500.0, 10, 10]), 100).tolist() == [0, 0, 0]  # no evidence of a difference
    assert pool_positions(np.array([500.0]), 100).tolist() == [0]


def test_a_bin_without_engagement_is_refused() -> None:
    ones, both = np.ones(2), np.arange(2)
    counts = Counts(both, 2 + 0 * both, 0 * both, ones, ones, engaged_inverse=np.array([1.0, 0.0]))
    with pytest.raises(ValueError, match=r"bins \[1\] have no engagement"):
        from_randomised(counts)


def test_weights_are_clipped_inverses_with_mean_1() -> None:
    weights = inverse_weights(np.array([1.0, 0.5, 0.01]), np.array([2.0, 1.0, 1.0]), max_weight=4.0)
    np.testing.assert_allclose(weights, np.array([1.0, 2.0, 4.0]) / 2.0)
