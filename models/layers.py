"""Layers that several networks share.

Shape suffixes: N rows, H heads, I and O inputs and outputs of one layer, Q quantiles, J segments.
"""
# ruff: noqa: N803, N806 - shape suffixes are upper case

import math
from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from contracts.heads import HEADS
from models import processes

MAX_STANDARDISED = 10.0
"""Inputs are clipped at ten standard deviations: a rare flag must not drown the other inputs."""
MIN_SPREAD = 1e-3
CHUNK_ROWS = 512
"""Rows per product: more leave a core's cache; with at most eight distinct shapes, kernels are generated once."""


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


def packed_linear(weight: Tensor, bias: Tensor, *, relu: bool) -> Callable[[Tensor], Tensor]:
    """``x @ weight.T + bias``, then ReLU if requested.

    oneDNN's product where this build of torch has it, under the name by which torch's own compiler calls it: on AMD
    cores it is twice as fast as MKL's, which is what ``functional.linear`` uses.
    """
    weight, bias = weight.contiguous(), bias.contiguous()
    if hasattr(torch.ops.mkldnn, "_linear_pointwise"):
        product: Any = torch.ops.mkldnn._linear_pointwise
        packed = torch.ops.mkldnn._reorder_linear_weight(weight, CHUNK_ROWS)
        after = "relu" if relu else "none"
        return lambda x: product(x, packed, bias, after, [], "")
    if relu:
        return lambda x: functional.linear(x, weight, bias).relu_()
    return lambda x: functional.linear(x, weight, bias)


class Spread(nn.Module):
    """Each input by its quantile among the training rows: piecewise linear to normal scores, shape kept.

    A value that many rows share gets the middle of its quantiles. Values beyond those of the training rows are clipped.
    """

    edges: Tensor
    scores: Tensor

    def __init__(self, size: int, num_quantiles: int) -> None:
        super().__init__()
        self.register_buffer("edges", torch.zeros(size, num_quantiles))
        self.register_buffer("scores", torch.zeros(size, num_quantiles))

    def fit(self, quantiles_IQ: Tensor) -> None:
        """Take the quantiles of the training rows, lowest first (I, Q)."""
        places_Q = (torch.arange(quantiles_IQ.shape[1], dtype=torch.float64) + 0.5) / quantiles_IQ.shape[1]
        normal_Q = math.sqrt(2.0) * torch.erfinv(2.0 * places_Q - 1.0)
        is_same_IQQ = (quantiles_IQ.unsqueeze(2) == quantiles_IQ.unsqueeze(1)).double()
        scores_IQ = (is_same_IQQ @ normal_Q) / is_same_IQQ.sum(2)
        scale_I1 = scores_IQ.square().mean(1, keepdim=True).sqrt().clamp_min(MIN_SPREAD)
        self.edges.copy_(quantiles_IQ)
        self.scores.copy_(scores_IQ / scale_I1)

    def forward(self, x_NI: Tensor) -> Tensor:
        """(N, I) to (N, I)."""
        edges_IQ, scores_IQ = self.edges.to(x_NI.dtype), self.scores.to(x_NI.dtype)
        x_IN = x_NI.T.contiguous()
        above_IN = torch.searchsorted(edges_IQ, x_IN, right=True).clamp(1, edges_IQ.shape[1] - 1)
        low_IN, high_IN = edges_IQ.gather(1, above_IN - 1), edges_IQ.gather(1, above_IN)
        share_IN = ((x_IN - low_IN) / (high_IN - low_IN).clamp_min(torch.finfo(x_IN.dtype).tiny)).clamp(0.0, 1.0)
        mapped_IN = torch.lerp(scores_IQ.gather(1, above_IN - 1), scores_IQ.gather(1, above_IN), share_IN)
        return mapped_IN.T.contiguous()


class Segments(nn.Module):
    """Each input by its place in segments between quantiles of the training rows: (N, I) to (N, J * I).

    A column is 0 below its segment, 1 above it and linear in between, so that a linear layer over the columns is a
    piecewise linear function of each input. It costs far less per row than ``Spread``, which searches each value.
    Segments divide the distinct quantiles evenly; an input with fewer has columns that are always 0.
    """

    low: Tensor
    high: Tensor

    def __init__(self, size: int, num_segments: int) -> None:
        super().__init__()
        self.register_buffer("low", torch.zeros(num_segments, size))
        self.register_buffer("high", torch.zeros(num_segments, size))

    def fit(self, quantiles_IQ: Tensor) -> None:
        """Take the quantiles of the training rows, lowest first (I, Q)."""
        num_segments = len(self.low)
        for place, quantiles_Q in enumerate(quantiles_IQ):
            distinct = torch.unique(quantiles_Q)
            ends = torch.linspace(0, len(distinct) - 1, num_segments + 1, dtype=torch.float64).round().long()
            self.low[:, place], self.high[:, place] = distinct[ends[:-1]], distinct[ends[1:]]

    @property
    def slope(self) -> Tensor:
        """What a unit of each input adds within each segment, (J, I)."""
        width_JI = self.high - self.low
        return torch.where(width_JI > 0, 1.0 / width_JI.clamp_min(torch.finfo(width_JI.dtype).tiny), 0.0)

    def lengths(self, x_NI: Tensor) -> Tensor:
        """How much of each segment lies below the input, in its unit, (N, J * I)."""
        return torch.clamp(x_NI.unsqueeze(1), self.low, self.high).sub_(self.low).flatten(1)

    def forward(self, x_NI: Tensor) -> Tensor:
        """(N, I) to (N, J * I)."""
        return self.lengths(x_NI) * self.slope.flatten()


class ColumnNorm(nn.BatchNorm1d):
    """Batch normalisation that takes a batch of one row, which has no variance, as it takes rows when it scores.

    The moments of a batch are those of its rows on all processes.
    """

    def forward(self, input: Tensor) -> Tensor:  # noqa: A002 - its name in torch
        """Shape is kept."""
        if not self.training:
            return super().forward(input)
        if processes.count() > 1:
            return self._by_all_processes(input)
        return self._as_when_scoring(input) if len(input) < 2 else super().forward(input)  # noqa: PLR2004 - no variance

    def _as_when_scoring(self, rows: Tensor) -> Tensor:
        moments = self.running_mean, self.running_var
        return functional.batch_norm(rows, *moments, self.weight, self.bias, training=False, eps=self.eps)

    def _by_all_processes(self, rows: Tensor) -> Tensor:
        sums = processes.summed(torch.cat([rows.sum(0), rows.new_tensor([len(rows)])]))
        num_rows = float(sums[-1].detach())
        if num_rows < 2:  # noqa: PLR2004 - one row has no variance
            return self._as_when_scoring(rows)
        mean = sums[:-1] / num_rows
        centred = rows - mean
        variance = processes.summed(centred.square().sum(0)) / num_rows
        with torch.no_grad():
            assert self.running_mean is not None and self.running_var is not None  # noqa: PT018 - for types
            assert self.momentum is not None and self.num_batches_tracked is not None  # noqa: PT018 - for types
            self.running_mean.lerp_(mean, self.momentum)
            self.running_var.lerp_(variance * (num_rows / (num_rows - 1)), self.momentum)
            self.num_batches_tracked.add_(1)
        return centred * torch.rsqrt(variance + self.eps) * self.weight + self.bias
