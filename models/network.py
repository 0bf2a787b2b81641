"""The network interface: what a network is built from, and what it computes per user, per post and per pair.

Shape suffixes: N rows, U user features, P post features, C cross features (pair, then context), D embedding,
S projection, H heads, F all inputs (user, post, cross).
"""
# ruff: noqa: N803, N806 - shape suffixes are upper case

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, ClassVar

import torch
from torch import Tensor, nn

from contracts.features import width_of

NUM_USER = width_of("user")
NUM_POST = width_of("post")
NUM_CROSS = width_of("pair") + width_of("context")

QUANTILES = 33
"""Number of quantiles per input, evenly spread from the least value to the largest."""

Side = Callable[[Tensor], tuple[Tensor, Tensor]]
"""Features (N, U) or (N, P) to an embedding (N, D), which similarity search may compare, and a projection (N, S)."""
Pair = Callable[[Tensor, Tensor, Tensor, Tensor, Tensor], Tensor]
"""One user (D,) and (S,), its posts (N, D) and (N, S), cross features (N, C), to logits (N, H)."""


@dataclass(frozen=True)
class InputStatistics:
    """Statistics of the training rows for a network.

    Moments (F,) of its inputs, ``QUANTILES`` of them, lowest first (F, Q), and each head's mean output (H,). An input
    that a network must not read has an infinite standard deviation, and one value for all quantiles.
    """

    mean: Tensor
    std: Tensor
    base_rate: Tensor
    quantiles: Tensor


@dataclass(frozen=True)
class Parts:
    """The functions of a network for scoring: per user, per post, per pair, each on one thread and without gradients.

    If a side is None, its embedding is its features and its projection is empty. No part may depend on the other rows
    of a call, whose number is a multiple of 64.
    """

    user: Side | None
    post: Side | None
    pair: Pair


class Network(nn.Module, ABC):
    """One network of ``models/networks/``; built from its own ``Sizes``, a frozen dataclass of numbers and tuples."""

    Sizes: ClassVar[type[Any]]

    @abstractmethod
    def __init__(self, sizes: Any) -> None:
        super().__init__()

    @abstractmethod
    def forward(self, user_NU: Tensor, post_NP: Tensor, cross_NC: Tensor) -> Tensor:
        """Logits (N, H) in the order of ``contracts.heads.HEADS``; a head of seconds is log1p(seconds)."""

    def prepare(self, statistics: InputStatistics) -> None:
        """Use the statistics of the training rows before the first step."""

    def parts(self) -> Parts:
        """The parts of a network that computes everything per pair."""

        def pair(user_U: Tensor, _: Tensor, post_NP: Tensor, __: Tensor, cross_NC: Tensor) -> Tensor:
            logits_NH: Tensor = self(user_U.expand(len(post_NP), -1), post_NP, cross_NC)
            return logits_NH

        return Parts(None, None, pair)


def by_entity(features_NF: Tensor) -> tuple[Tensor, ...]:
    """Split all inputs (N, F), or (F,), into those of user, post and cross."""
    return torch.split(features_NF, [NUM_USER, NUM_POST, NUM_CROSS], dim=-1)
