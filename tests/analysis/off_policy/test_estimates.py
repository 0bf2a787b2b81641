"""The interval by cluster, the effective size, and each warning exactly when it applies."""

import numpy as np
import pytest

from analysis.off_policy.estimates import effective_sizes, summarise


def test_the_interval_is_students_over_clusters() -> None:
    terms = np.array([1.0, 3.0, 5.0, 7.0])
    found = summarise("x", terms, np.ones((4, 1)), np.array([0, 0, 1, 1]))
    # cluster sums of deviations from 4: -4 and 4; error = sqrt(2 / 1 * 32) / 4; t of one degree of freedom is 12.706
    assert found.value == 4.0
    assert found.standard_error == pytest.approx(2.0)
    assert found.high == pytest.approx(4 + 12.706 * 2, abs=1e-3)
    assert found.low == pytest.approx(4 - 12.706 * 2, abs=1e-3)


def test_effective_size() -> None:
    weights = np.array([[1.0, 4.0, 0.0], [1.0, 0.0, 0.0], [1.0, 0.0, 0.0], [1.0, 0.0, 0.0]])
    assert effective_sizes(weights).tolist() == [4, 1, 0]


def test_over_positions_the_smallest_size_and_the_mean_furthest_from_one_are_told() -> None:
    weights = np.column_stack([np.ones(400), np.tile([0.0, 2.5], 200)])
    found = summarise("x", np.ones(400), weights, np.arange(400))
    assert found.effective_size == pytest.approx(200)
    assert found.mean_weight == pytest.approx(1.25)


@pytest.mark.parametrize(
    ("weights", "expected"),
    [
        (np.ones(400), ()),
        (np.tile([0.97, 1.03], 200), ()),
        (np.full(400, 1.2), ("propensities are not those",)),
        (np.full(400, 0.97), ("propensities are not those",)),  # small, and yet more than chance
        (np.where(np.arange(400) % 40 == 0, 30.0, 0.35), ("chance explains it", "worth 21")),
        (np.tile([0.0, 2.0], 45), ("worth 45",)),
    ],
)
def test_warnings(weights: np.ndarray, expected: tuple[str, ...]) -> None:
    found = summarise("x", np.ones(len(weights)), weights[:, None], np.arange(len(weights)))
    assert len(found.warnings) == len(expected), found.warnings
    for warning, part in zip(found.warnings, expected, strict=True):
        assert part in warning
