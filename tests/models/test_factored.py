# ruff: noqa: N806 - shape suffixes are upper case: N rows, D numbers of a side, S shares

import copy

import pytest
import torch

from models.network import NUM_CROSS, NUM_POST, NUM_USER, QUANTILES, InputStatistics
from models.networks.factored import NUM_HEADS, Factored
from models.presets.light import light
from tests.topical_rows import gamer_and_posts

NUM_INPUTS = NUM_USER + NUM_POST + NUM_CROSS
BASE_RATE = torch.tensor([-2.0, -3.0, -4.0, -5.0, -6.0, 1.0])


def _prepared(quantiles: torch.Tensor, base_rate: torch.Tensor = BASE_RATE) -> Factored:
    torch.manual_seed(1)
    network = Factored(light().sizes).eval().requires_grad_(requires_grad=False)
    every = quantiles.expand(NUM_INPUTS, -1)
    network.prepare(InputStatistics(torch.full((NUM_INPUTS,), 0.5), torch.full((NUM_INPUTS,), 0.3), base_rate, every))
    return network


def _trained() -> Factored:
    """A network with random weights and moments of products, as after training."""
    network = _prepared(torch.linspace(0, 1, QUANTILES))
    norm = network.product_norm
    assert norm.running_mean is not None
    assert norm.running_var is not None
    for values in (norm.running_mean, norm.weight, norm.bias, network.products.weight):
        values.uniform_(-1, 1)
    norm.running_var.uniform_(0.1, 0.5)
    return network


def _silent() -> Factored:
    """A network in which every weight is zero."""
    network = _prepared(torch.linspace(0, 1, QUANTILES).square())
    for parameter in network.parameters():
        parameter.zero_()
    network.product_norm.weight.fill_(1.0)
    return network


def test_it_starts_near_the_heads_mean_outputs() -> None:
    network = _prepared(torch.linspace(0, 1, QUANTILES))
    logits = network(torch.rand(200, NUM_USER), torch.rand(200, NUM_POST), torch.rand(200, NUM_CROSS))
    assert logits.mean(0).tolist() == pytest.approx(BASE_RATE.tolist(), abs=1.0)


def test_a_product_reaches_the_logits() -> None:
    network = _silent()
    # The products of the ten topics come first; then the dot product of the same.
    gaming, dot = 8, 10
    network.products.weight[0, gaming] = 1.0
    network.products.weight[1, dot] = 1.0
    user, post = gamer_and_posts()
    logits = network(user, post, torch.zeros(2, NUM_CROSS))
    assert logits[:, 0].tolist() == pytest.approx([0.5, 0.0], rel=1e-4)
    assert logits[:, 1].tolist() == pytest.approx([0.5 + 0.1, 0.2], rel=1e-4)
    assert not logits[:, 2:].any()


def test_a_user_weighs_a_posts_factor_for_each_head() -> None:
    network, num_factors = _silent(), light().sizes.factors
    network.post_factors.bias[3] = 2.0
    for head, weight in ((1, 3.0), (4, -5.0)):
        network.user_factors.bias[head * num_factors + 3] = weight
    logits = network(torch.zeros(1, NUM_USER), torch.zeros(1, NUM_POST), torch.zeros(1, NUM_CROSS))
    assert (logits * num_factors**0.5).tolist() == [pytest.approx([0.0, 6.0, 0.0, 0.0, -10.0, 0.0])]


def test_a_cross_input_is_read_by_a_curve() -> None:
    network, segments = _silent(), light().sizes.segments
    for number in range(segments):
        network.cross.weight[0, number * NUM_CROSS] = number + 1.0
    ends = network.cross_input.high[:, 0].tolist()
    cross = torch.zeros(segments, NUM_CROSS)
    cross[:, 0] = torch.tensor(ends)
    logits = network(torch.zeros(segments, NUM_USER), torch.zeros(segments, NUM_POST), cross)[:, 0].tolist()
    assert logits == pytest.approx([sum(range(1, number + 2)) for number in range(segments)])
    assert ends == sorted(set(ends))


def test_the_parts_are_the_network() -> None:
    network, parts = _trained(), _trained().parts()
    assert parts.user is not None
    assert parts.post is not None
    user, posts, cross = torch.rand(64, NUM_USER), torch.rand(64, NUM_POST), torch.rand(64, NUM_CROSS)
    exact = copy.deepcopy(network).double()
    (user_ND, user_NS), (post_ND, post_NS) = parts.user(user), parts.post(posts)
    for row in range(3):
        logits = parts.pair(user_ND[row], user_NS[row], post_ND, post_NS, cross)
        wanted = exact(user[row].expand(64, -1).double(), posts.double(), cross.double())
        torch.testing.assert_close(logits.double(), wanted, atol=2e-5, rtol=0)
        assert wanted.std(0).min() > 0.05


def test_a_feature_that_several_products_read_is_kept_once() -> None:
    network = _trained()
    parts, num_factors = network.parts(), light().sizes.factors
    assert parts.user is not None
    assert parts.post is not None
    num_read = len(set(network.post_places.tolist()))
    assert num_read < len(network.post_places)
    assert parts.post(torch.rand(64, NUM_POST))[0].shape == (64, num_read + num_factors)
    assert parts.user(torch.rand(64, NUM_USER))[0].shape == (64, (num_read + num_factors) * NUM_HEADS)
