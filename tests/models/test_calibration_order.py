"""Calibration of one head keeps its order and believes its prior within bounds, whatever the rows."""

from typing import Literal

import numpy as np
import pytest

pytest.importorskip("hypothesis", reason="the training environment draws no examples")

from hypothesis import given, settings
from hypothesis import strategies as st

from models.calibration import METHODS, MIN_SLOPE, Prior, calibrate, fit

Method = Literal["logistic", "exponential"]
OF_LITTLE = Prior(mean=0.1, num_positives=1.0, num_rows=10)
"""A prior that is worth one label."""


@given(st.floats(0, 1e6))
def test_a_prior_is_worth_no_more_than_its_own_labels_and_than_days_differ(num_positives: float) -> None:
    assert Prior(0.1, num_positives, 10**7).worth <= min(max(num_positives, 1.0), 400.0)


@settings(deadline=None, max_examples=60)
@given(
    method=st.sampled_from(list(METHODS.values())),
    outputs=st.lists(st.floats(-15, 15), min_size=1, max_size=40),
    seed=st.integers(0, 1000),
    share=st.sampled_from([0.0, 0.1, 0.5, 1.0]),
    prior=st.sampled_from([OF_LITTLE, Prior(1e-5, 0.0, 50_000), Prior(0.9, 900.0, 1_000)]),
)
def test_order_is_kept_whatever_the_rows(
    method: Method, outputs: list[float], seed: int, share: float, prior: Prior
) -> None:
    x = np.array(outputs)
    targets = (np.random.default_rng(seed).random(len(x)) < share).astype(float) * 2.3
    fitted = fit(method, x, targets, prior)
    assert fitted.least_slope >= MIN_SLOPE * (1 - 1e-12)
    assert np.isfinite([fitted.scale, fitted.bend, fitted.offset]).all()
    grid = np.linspace(-8, 8, 200)
    predicted = calibrate(fitted, grid)
    inside = (predicted > 1e-300) & (predicted < (1 - 1e-12 if method == "logistic" else 86_000))
    assert (np.diff(predicted) >= 0).all()
    assert (np.diff(predicted)[inside[1:] & inside[:-1]] > 0).all()
