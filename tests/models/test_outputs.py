"""Metrics of a network's outputs on some days: by hand, corrected for position; calibration per head."""

import numpy as np
import pytest

from contracts.heads import HEADS
from models.calibration import METHODS, HeadCalibration, Prior, calibrate
from models.outputs import Outputs, calibrate_heads, measure

LIKE, DWELL = 0, len(HEADS) - 1
AS_IT_IS = {head.name: HeadCalibration(METHODS[head.kind], 1.0, 0.0) for head in HEADS}


def test_metrics_by_hand() -> None:
    logits = np.zeros((4, len(HEADS)))
    logits[:, LIKE] = [2.0, 1.0, 0.0, -1.0]
    logits[:, DWELL] = np.log([1.0, 1.0, 3.0, 3.0])
    labels = np.zeros((4, len(HEADS)))
    labels[:, LIKE] = [1, 0, 1, 0]
    labels[:, DWELL] = np.log1p([2.0, 2.0, 6.0, 6.0])
    metrics = measure(Outputs(logits, labels, np.ones(4)), AS_IT_IS, num_bins=2)
    like, dwell = metrics["like"], metrics["dwell"]
    assert like["auc"] == pytest.approx(0.75)
    assert like["num_positives"] == 2
    p = 1 / (1 + np.exp(-logits[:, LIKE]))
    assert like["relative_error"] == pytest.approx(p.mean() / 0.5 - 1)
    assert like["ece"] == pytest.approx((abs(p[:2].mean() - 0.5) + abs(p[2:].mean() - 0.5)) / 2)
    assert like["slope"] == pytest.approx(0.0)
    assert metrics["comment"]["auc"] is None
    assert metrics["comment"]["relative_error"] is None
    wanted = {"mean_observed": 4.0, "mean_predicted": 2.0, "relative_error": -0.5, "slope": 2.0, "ece": 2.0}
    assert {name: dwell[name] for name in wanted} == pytest.approx(wanted)
    assert dwell["rmse_log1p"] == pytest.approx(np.sqrt((np.log(3 / 2) ** 2 + np.log(7 / 4) ** 2) / 2))


def test_labels_are_corrected_for_position_and_seconds_in_seconds() -> None:
    labels = np.zeros((2, len(HEADS)))
    labels[1, LIKE], labels[1, DWELL] = 1.0, np.log1p(9.0)
    outputs = Outputs(np.zeros((2, len(HEADS))), labels, np.array([1.0, 2.0]))
    # the average row is looked at three quarters as often as the first, the second half as often
    assert outputs.target(LIKE).tolist() == pytest.approx([0.0, 1.5])
    assert outputs.target(DWELL).tolist() == pytest.approx([0.0, 13.5])


def test_every_head_has_a_calibration_of_its_own() -> None:
    generator = np.random.default_rng(1)
    logits = generator.normal(-1, 1, (5000, len(HEADS)))
    labels = (generator.random((5000, len(HEADS))) < np.linspace(0.1, 0.5, len(HEADS))).astype(float)
    priors = {head.name: Prior(0.3, 1.0, 3) for head in HEADS}
    found = calibrate_heads(Outputs(logits, labels, np.ones(5000)), priors)
    for index, head in enumerate(HEADS):
        observed = labels[:, index] if head.is_binary else np.expm1(labels[:, index])
        assert calibrate(found[head.name], logits[:, index]).mean() == pytest.approx(observed.mean(), rel=0.01)
    few = Outputs(logits[:20], np.zeros((20, len(HEADS))), np.ones(20))
    told = {head.name: Prior(0.001 * (index + 1), 100.0, 100_000) for index, head in enumerate(HEADS)}
    for index, head in enumerate(HEADS):
        mean = calibrate(calibrate_heads(few, told)[head.name], few.logits[:, index]).mean()
        assert mean == pytest.approx(told[head.name].mean, rel=0.05)
    logits[7, LIKE] = np.nan
    with pytest.raises(ValueError, match="outputs is not finite in 1 of 5000 rows, the first is row 7"):
        calibrate_heads(Outputs(logits, labels, np.ones(5000)), priors)
