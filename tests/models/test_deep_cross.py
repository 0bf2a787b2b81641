import pytest
import torch

from models.network import NUM_CROSS, NUM_POST, NUM_USER, QUANTILES, InputStatistics
from models.networks.deep_cross import DeepCross
from models.presets.deep_cross import deep_cross
from tests.topical_rows import gamer_and_posts

NUM_INPUTS = NUM_USER + NUM_POST + NUM_CROSS


def _silent() -> DeepCross:
    """A network in which every weight is zero, in evaluation mode."""
    network = DeepCross(deep_cross().sizes).eval().requires_grad_(requires_grad=False)
    for parameter in network.parameters():
        parameter.zero_()
    network.product_norm.weight.fill_(1.0)
    return network


def test_a_product_reaches_the_logits() -> None:
    network = _silent()
    # The products of the ten topics come first, behind the cross features; then the dot product of the same.
    gaming, dot = NUM_CROSS + 8, NUM_CROSS + 10
    network.linear.weight[0, gaming] = 1.0
    network.linear.weight[1, dot] = 1.0
    user, post = gamer_and_posts()
    logits = network(user, post, torch.zeros(2, NUM_CROSS))
    assert logits[:, 0].tolist() == pytest.approx([0.5, 0.0], rel=1e-4)
    assert logits[:, 1].tolist() == pytest.approx([0.5 + 0.1, 0.2], rel=1e-4)
    assert not logits[:, 2:].any()


def test_it_starts_at_the_heads_mean_outputs() -> None:
    network = DeepCross(deep_cross().sizes).eval()
    base_rate = torch.tensor([-2.0, -3.0, -4.0, -5.0, -6.0, 1.0])
    quantiles = torch.linspace(0, 1, QUANTILES).expand(NUM_INPUTS, -1)
    network.prepare(InputStatistics(torch.zeros(NUM_INPUTS), torch.ones(NUM_INPUTS), base_rate, quantiles))
    logits = network(torch.rand(200, NUM_USER), torch.rand(200, NUM_POST), torch.rand(200, NUM_CROSS))
    assert logits.mean(0).tolist() == pytest.approx(base_rate.tolist(), abs=0.5)


def test_inputs_are_read_by_their_quantile() -> None:
    network = _silent()
    network.linear.weight[0, 0] = 1.0
    quantiles = torch.linspace(0, 1, QUANTILES).square().expand(NUM_INPUTS, -1)
    network.prepare(InputStatistics(torch.zeros(NUM_INPUTS), torch.ones(NUM_INPUTS), torch.zeros(6), quantiles))
    cross = torch.zeros(3, NUM_CROSS)
    cross[:, 0] = torch.tensor([0.0, 0.25, 1.0])
    logits = network(torch.zeros(3, NUM_USER), torch.zeros(3, NUM_POST), cross)[:, 0].tolist()
    assert logits[1] == pytest.approx(0.0, abs=1e-6), "a quarter is the median of squares"
    assert logits[0] == pytest.approx(-logits[2])
