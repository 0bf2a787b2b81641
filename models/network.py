"""The two-tower multi-task ranker.

Shape suffixes: N rows, U user features, P post features, C cross features (pair, then context), D tower output,
S shared layer, H heads, I and O inputs and outputs of one head's layer.
"""
# ruff: noqa: N803, N806 - shape suffixes are upper case

from collections.abc import Sequence
from itertools import pairwise

import torch
from torch import Tensor, nn

from contracts.features import HEADS, width_of
from models.presets import Preset

NUM_USER = width_of("user")
NUM_POST = width_of("post")
NUM_CROSS = width_of("pair") + width_of("context")
MAX_STANDARDISED = 10.0
"""Inputs are clipped at ten standard deviations: a rare flag must not drown the other inputs."""


class Standardise(nn.Module):
    """``(x - mean) / std``, clipped; the moments are those of the training rows and travel with the weights."""

    mean: Tensor
    std: Tensor

    def __init__(self, size: int) -> None:
        super().__init__()
        self.register_buffer("mean", torch.zeros(size))
        self.register_buffer("std", torch.ones(size))

    def forward(self, x_NI: Tensor) -> Tensor:
        """Shape is kept."""
        return ((x_NI - self.mean) / self.std).clamp(-MAX_STANDARDISED, MAX_STANDARDISED)


class HeadLayer(nn.Module):
    """One linear layer for each head, as one batched product: (H, N, I) to (H, N, O)."""

    def __init__(self, num_inputs: int, num_outputs: int) -> None:
        super().__init__()
        layers = [nn.Linear(num_inputs, num_outputs) for _ in HEADS]
        self.weight = nn.Parameter(torch.stack([layer.weight.detach().T for layer in layers]))
        self.bias = nn.Parameter(torch.stack([layer.bias.detach() for layer in layers]))

    def forward(self, x_HNI: Tensor) -> Tensor:
        """(H, N, I) to (H, N, O)."""
        return torch.baddbmm(self.bias.unsqueeze(1), x_HNI, self.weight)


def build_tower(widths: Sequence[int], dropout: float) -> nn.Sequential:
    """Linear layers with ReLU and dropout between them; the output is linear, so that embeddings may be negative."""
    layers: list[nn.Module] = []
    for index, (num_inputs, num_outputs) in enumerate(pairwise(widths)):
        layers += [nn.ReLU(), nn.Dropout(dropout)] if index else []
        layers.append(nn.Linear(num_inputs, num_outputs))
    return nn.Sequential(*layers)


class FeedRanker(nn.Module):
    """Towers, then one shared layer over (user, post, dot, cross), then one head per ``contracts.features.HEADS``.

    ``dot`` is the towers' dot product / sqrt(D). The shared layer is linear in its inputs, so inference computes
    its user and post shares once per user and once per post.
    """

    def __init__(self, preset: Preset) -> None:
        super().__init__()
        self.user_input, self.post_input = Standardise(NUM_USER), Standardise(NUM_POST)
        self.cross_input = Standardise(NUM_CROSS)
        self.user_tower = build_tower((NUM_USER, *preset.tower), preset.dropout)
        self.post_tower = build_tower((NUM_POST, *preset.tower), preset.dropout)
        self.dot_scale: float = preset.tower[-1] ** -0.5
        self.shared = nn.Linear(2 * preset.tower[-1] + 1 + NUM_CROSS, preset.shared)
        self.norm = nn.LayerNorm(preset.shared)
        self.dropout = nn.Dropout(preset.dropout)
        widths = (preset.shared, *preset.head, 1)
        self.heads = nn.ModuleList(HeadLayer(num_in, num_out) for num_in, num_out in pairwise(widths))

    def set_base_rates(self, base_H: Tensor) -> None:
        """Start each head at its mean output, so that training need not spend its first steps on finding it."""
        with torch.no_grad():
            self.heads[-1].bias.copy_(base_H.unsqueeze(1))  # type: ignore[operator]

    def forward(self, user_NU: Tensor, post_NP: Tensor, cross_NC: Tensor) -> Tensor:
        """Logits (N, H) in the order of HEADS; the dwell column is log1p(seconds)."""
        user_ND = self.user_tower(self.user_input(user_NU))
        post_ND = self.post_tower(self.post_input(post_NP))
        dot_N1 = (user_ND * post_ND).sum(1, keepdim=True) * self.dot_scale
        shared_NS = self.shared(torch.cat([user_ND, post_ND, dot_N1, self.cross_input(cross_NC)], dim=1))
        hidden_HNI = self.dropout(torch.relu(self.norm(shared_NS))).expand(len(HEADS), -1, -1)
        for index, layer in enumerate(self.heads):
            hidden_HNI = layer(torch.relu(hidden_HNI) if index else hidden_HNI)
        logits_NH: Tensor = hidden_HNI.squeeze(2).T
        return logits_NH
