"""Labels at the average place: by hand, and on a log in which lower places are looked at less."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts.metrics.position import at_average_place, mean_chance


def test_by_hand() -> None:
    # looked at by all, and by half: the average row is looked at by three quarters
    found = at_average_place(np.array([1.0, 1.0, 0.0]), np.array([1.0, 2.0, 1.0]))
    assert found.tolist() == pytest.approx([5 / 6, 5 / 3, 0.0])


@given(st.floats(0.1, 10))
def test_the_scale_of_the_weights_has_no_say(scale: float) -> None:
    generator = np.random.default_rng(1)
    labels, weights = generator.random(50), generator.uniform(0.5, 4, 50)
    np.testing.assert_allclose(at_average_place(labels, weights * scale), at_average_place(labels, weights))


def test_the_mean_is_that_of_the_log_where_places_were_given_by_chance() -> None:
    generator = np.random.default_rng(2)
    chance = generator.integers(1, 17, 200_000) ** -0.35
    is_relevant = generator.random(200_000) < 0.3
    logged = (is_relevant & (generator.random(200_000) < chance)).astype(float)
    corrected = at_average_place(logged, 1 / chance)
    assert corrected.mean() == pytest.approx(logged.mean(), rel=0.01)
    # a place of its own has the mean of all places
    deep = chance == chance.min()
    assert corrected[deep].mean() == pytest.approx(0.3 * chance.mean(), rel=0.05)
    assert logged[deep].mean() < 0.8 * corrected[deep].mean()


def test_no_rows_and_rows_that_are_not_numbers() -> None:
    assert at_average_place(np.zeros(0), np.zeros(0)).tolist() == []
    assert mean_chance(0, 0.0) == 1.0
    with pytest.raises(ValueError, match="weights is not finite in 1 of 2 rows"):
        at_average_place(np.zeros(2), np.array([1.0, np.nan]))
