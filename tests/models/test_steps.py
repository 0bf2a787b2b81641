from dataclasses import replace

import pytest
import torch

from models.network import NUM_CROSS, NUM_POST, NUM_USER
from models.networks.two_tower import TwoTower
from models.presets.tiny import tiny
from models.steps import Steps


def _steps(warmup_share: float = 0.0, *, decays: bool = False) -> Steps:
    preset = tiny()
    rules = replace(preset.optimiser, batch_size=100, warmup_share=warmup_share, decays=decays)
    # 10 epochs of 10 steps
    preset = replace(preset, epochs=10, optimiser=rules)
    return Steps(TwoTower(preset.sizes), preset, num_examples=1000)


def test_the_learning_rate_stays_where_nothing_is_said() -> None:
    assert {_steps().share(step) for step in range(200)} == {1.0}


def test_it_rises_then_falls_along_half_a_cosine_to_zero() -> None:
    steps = _steps(warmup_share=0.1, decays=True)
    assert [steps.share(step) for step in (0, 4, 9)] == pytest.approx([1 / 11, 5 / 11, 10 / 11])
    assert [steps.share(step) for step in (10, 55, 100)] == pytest.approx([1.0, 0.5, 0.0])


def test_a_step_is_clipped() -> None:
    preset = tiny()
    network = TwoTower(preset.sizes)
    logits = network(torch.rand(4, NUM_USER), torch.rand(4, NUM_POST), torch.rand(4, NUM_CROSS))
    Steps(network, preset, num_examples=4).take((1e6 * logits).sum())
    norms = [parameter.grad.norm() for parameter in network.parameters() if parameter.grad is not None]
    assert float(torch.stack(norms).norm()) == pytest.approx(preset.optimiser.max_gradient_norm, rel=1e-3)
