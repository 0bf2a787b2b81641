"""The value of the random policy from the Thompson-sampling log of the Open Bandit data (men's campaign).

The random policy has a log of its own, so its value is known within an interval: that is what estimates are held to.
"""

from pathlib import Path

import numpy as np
import pandas as pd  # type: ignore[import-untyped]
import pytest

from analysis.off_policy.choice import choose_for_decisions
from analysis.off_policy.decisions import DecisionLog, ips
from analysis.off_policy.reward_model import predict_decisions

FOLDER = Path(__file__).resolve().parents[2] / "../shared/data/open_bandit_men"
NUM_ITEMS = 34


@pytest.mark.skipif(not FOLDER.exists(), reason="needs ../shared/data/open_bandit_men")
def test_open_bandit() -> None:
    thompson, random = (pd.read_csv(FOLDER / policy / "men.csv") for policy in ("bts", "random"))
    own = ips(DecisionLog(random["click"].to_numpy("float64"), *2 * [random["propensity_score"].to_numpy("float64")]))
    print(f"random policy, its own log: {own.value:.4f}, 95 % interval {own.low:.6f} to {own.high:.6f}")
    rewards, propensities = (thompson[name].to_numpy("float64") for name in ("click", "propensity_score"))
    log = DecisionLog(rewards, propensities, np.full(len(rewards), 1 / NUM_ITEMS))
    items, positions = (thompson[name].to_numpy("int64") for name in ("item_id", "position"))
    uniform = np.full((len(rewards), NUM_ITEMS), 1 / NUM_ITEMS)
    choice = choose_for_decisions(log, predict_decisions(log, items, positions - 1, uniform))
    print(f"the same from the Thompson log, whose clicks are {rewards.mean():.4f}:")
    for found in choice.candidates:
        print(f"  {found.estimator}: {found.value:.6f}, 95 % interval {found.low:.6f} to {found.high:.6f}")
    print(f"  mean weight {found.mean_weight:.3f}, worth {found.effective_size:,.0f} of {len(rewards):,} decisions")
    print(f"  chosen: {choice.reason}", *choice.estimate.warnings, sep="\n  ")
    weighted, robust, normalised = choice.candidates
    assert round(own.value, 4) == 0.0046
    assert round(float(rewards.mean()), 4) == 0.0069
    assert weighted.value == pytest.approx(0.003009, abs=5e-7)
    assert normalised.value == pytest.approx(0.003189, abs=5e-7)
    assert weighted.mean_weight == pytest.approx(0.943, abs=5e-4)
    assert robust.estimator == "doubly_robust"
    assert own.low < robust.value < own.high
    assert "the mean weight is 0.943" in choice.estimate.warnings[0]
