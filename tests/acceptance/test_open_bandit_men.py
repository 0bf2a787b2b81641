"""The value of the random policy from the Thompson-sampling log of the Open Bandit data (men's campaign)."""

from pathlib import Path

import numpy as np
import pandas as pd  # type: ignore[import-untyped]
import pytest

from analysis.off_policy import importance_weights, ips, snips

FOLDER = Path(__file__).resolve().parents[2] / "../shared/data/open_bandit_men"
NUM_ITEMS = 34


@pytest.mark.skipif(not FOLDER.exists(), reason="needs ../shared/data/open_bandit_men")
def test_open_bandit_men() -> None:
    log = pd.read_csv(FOLDER / "bts" / "men.csv")
    rewards = log["click"].to_numpy("float64")
    weights = importance_weights(np.full(len(log), 1 / NUM_ITEMS), log["propensity_score"].to_numpy("float64"))
    weighted, normalised = ips(rewards, weights), snips(rewards, weights)
    on_policy = pd.read_csv(FOLDER / "random" / "men.csv")["click"].mean()
    print(f"mean weight {weights.mean():.3f}, worth {weighted.effective_size:,.0f} of {len(log):,} decisions")
    print(f"random policy from the Thompson log: IPS {weighted.value:.6f} ± {weighted.standard_error:.6f}, ", end="")
    print(f"SNIPS {normalised.value:.6f} ± {normalised.standard_error:.6f}; its own log {on_policy:.4f}")
    assert weighted.value == pytest.approx(0.003009, abs=5e-7)
    assert normalised.value == pytest.approx(0.003189, abs=5e-7)
    assert weights.mean() == pytest.approx(0.943, abs=5e-4)
