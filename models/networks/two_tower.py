"""The two-tower multi-task ranker.

Shape suffixes: N rows, U user features, P post features, C cross features (pair, then context), D tower output,
S shared layer, H heads, I inputs of a head's layer, K dot and cross features.
"""
# ruff: noqa: N803, N806 - shape suffixes are upper case

import copy
from dataclasses import dataclass
from itertools import pairwise
from typing import cast

import torch
from torch import Tensor, nn
from torch.nn import functional

from contracts.heads import HEADS
from models.layers import HeadLayer, Standardise, build_tower, packed_linear
from models.model import Parts, Side
from models.network import NUM_CROSS, NUM_POST, NUM_USER, InputStatistics, Network, by_entity


@dataclass(frozen=True)
class _Sizes:
    """``tower``, ``shared`` and ``head`` are layer widths; ``head`` leads to one output."""

    tower: tuple[int, ...]
    shared: int
    head: tuple[int, int]
    dropout: float


class TwoTower(Network):
    """Towers, then one shared layer over (user, post, dot, cross), then one head per ``contracts.heads.HEADS``.

    ``dot`` is the towers' dot product / sqrt(D). The shared layer is linear in its inputs, so scoring computes its
    user and post shares once per user and once per post.
    """

    Sizes = _Sizes

    def __init__(self, sizes: _Sizes) -> None:
        super().__init__(sizes)
        self.user_input, self.post_input = Standardise(NUM_USER), Standardise(NUM_POST)
        self.cross_input = Standardise(NUM_CROSS)
        self.user_tower = build_tower((NUM_USER, *sizes.tower), sizes.dropout)
        self.post_tower = build_tower((NUM_POST, *sizes.tower), sizes.dropout)
        self.dot_scale: float = sizes.tower[-1] ** -0.5
        self.shared = nn.Linear(2 * sizes.tower[-1] + 1 + NUM_CROSS, sizes.shared)
        self.norm = nn.LayerNorm(sizes.shared)
        self.dropout = nn.Dropout(sizes.dropout)
        widths = (sizes.shared, *sizes.head, 1)
        self.heads = nn.ModuleList(HeadLayer(num_in, num_out) for num_in, num_out in pairwise(widths))

    def prepare(self, statistics: InputStatistics) -> None:
        """Standardise by the training rows' moments; start each head at its mean output, which saves its search."""
        inputs = (self.user_input, self.post_input, self.cross_input)
        moments = zip(inputs, by_entity(statistics.mean), by_entity(statistics.std), strict=True)
        for module, mean, std in moments:
            module.mean.copy_(mean)
            module.std.copy_(std)
        with torch.no_grad():
            self.heads[-1].bias.copy_(statistics.base_rate.unsqueeze(1))  # type: ignore[operator]

    def forward(self, user_NU: Tensor, post_NP: Tensor, cross_NC: Tensor) -> Tensor:
        """Logits (N, H)."""
        user_ND = self.user_tower(self.user_input(user_NU))
        post_ND = self.post_tower(self.post_input(post_NP))
        dot_N1 = (user_ND * post_ND).sum(1, keepdim=True) * self.dot_scale
        shared_NS = self.shared(torch.cat([user_ND, post_ND, dot_N1, self.cross_input(cross_NC)], dim=1))
        hidden_HNI = self.dropout(torch.relu(self.norm(shared_NS))).expand(len(HEADS), -1, -1)
        for index, layer in enumerate(self.heads):
            hidden_HNI = layer(torch.relu(hidden_HNI) if index else hidden_HNI)
        logits_NH: Tensor = hidden_HNI.squeeze(2).T
        return logits_NH

    def parts(self) -> Parts:
        """Both towers with their shares of the shared layer, and the rest, laid out for the fastest products."""
        # Double precision, rounded, so that the order of sums in a matrix product does not matter.
        exact = copy.deepcopy(self).double()
        user_SD, post_SD, _ = exact._split_shared()
        user = _side(exact.user_input, exact.user_tower, user_SD, exact.shared.bias)
        post = _side(exact.post_input, exact.post_tower, post_SD, torch.zeros_like(exact.shared.bias))
        return Parts(user, post, _Interaction(self).logits)

    def _split_shared(self) -> tuple[Tensor, Tensor, Tensor]:
        """Weights of the shared layer by input: user (S, D), post (S, D), dot and cross (S, K)."""
        width = (self.shared.in_features - 1 - NUM_CROSS) // 2
        user_SD, post_SD, cross_SK = torch.split(self.shared.weight, [width, width, 1 + NUM_CROSS], dim=1)
        return user_SD, post_SD, cross_SK


def _side(standardise: Standardise, tower: nn.Module, weight_SD: Tensor, bias_S: Tensor) -> Side:
    def encode(features_NI: Tensor) -> tuple[Tensor, Tensor]:
        tower_ND = tower(standardise(features_NI.double()))
        return tower_ND.float(), functional.linear(tower_ND, weight_SD, bias_S).float()

    return encode


class _Interaction:
    """The part of the network that runs per pair."""

    def __init__(self, network: TwoTower) -> None:
        first, second, third = (cast("HeadLayer", layer) for layer in network.heads)
        self._standardise, self._dot_scale = network.cross_input, network.dot_scale
        self._cross_SK = network._split_shared()[2].contiguous()
        self._norm = network.norm
        self._first = packed_linear(first.weight.permute(0, 2, 1).flatten(0, 1), first.bias.flatten(), relu=True)
        self._second = [packed_linear(w.T, b, relu=True) for w, b in zip(second.weight, second.bias, strict=True)]
        blocks: Tensor = torch.block_diag(*third.weight.transpose(1, 2))  # type: ignore[no-untyped-call]
        self._third = packed_linear(blocks, third.bias.flatten(), relu=False)

    def logits(self, user_D: Tensor, user_S: Tensor, post_ND: Tensor, post_NS: Tensor, cross_NC: Tensor) -> Tensor:
        dot_N1 = (post_ND @ user_D).unsqueeze(1) * self._dot_scale
        input_NK = torch.cat([dot_N1, self._standardise(cross_NC)], dim=1)
        shared_NS = torch.addmm(post_NS, input_NK, self._cross_SK.T).add_(user_S)
        hidden = self._first(self._norm(shared_NS).relu_())
        parts = hidden.chunk(len(HEADS), dim=1)
        return self._third(torch.cat([layer(part) for layer, part in zip(self._second, parts, strict=True)], dim=1))
