"""The network interface: what a network is built from, and what it computes.

Shape suffixes: N rows, U user features, P post features, C cross features (pair, then context), H heads, F all inputs
(user, post, cross).
"""
# ruff: noqa: N803, N806 - shape suffixes are upper case

from abc import abstractmethod
from dataclasses import dataclass
from typing import Any, ClassVar

import torch
from torch import Tensor, nn

from contracts.features import width_of
from models.model import Model

NUM_USER = width_of("user")
NUM_POST = width_of("post")
NUM_CROSS = width_of("pair") + width_of("context")

QUANTILES = 33
"""Number of quantiles per input, evenly spread from the least value to the largest."""

WEIGHTS_FILE = "weights.safetensors"


@dataclass(frozen=True)
class InputStatistics:
    """Statistics of the training rows for a model.

    Moments (F,) of its inputs, ``QUANTILES`` of them, lowest first (F, Q), and each head's mean output (H,). An input
    that a model must not read has an infinite standard deviation, and one value for all quantiles.
    """

    mean: Tensor
    std: Tensor
    base_rate: Tensor
    quantiles: Tensor


class Network(nn.Module, Model):
    """One network of ``models/networks/``; built from its own ``Sizes``, a frozen dataclass of numbers and tuples."""

    Sizes: ClassVar[type[Any]]

    @abstractmethod
    def __init__(self, sizes: Any) -> None:
        super().__init__()

    @abstractmethod
    def forward(self, user_NU: Tensor, post_NP: Tensor, cross_NC: Tensor) -> Tensor:
        """Logits (N, H) in the order of ``contracts.heads.HEADS``; a head of seconds is log1p(seconds)."""

    @property
    def device(self) -> torch.device:
        """Where its weights are."""
        return next(self.parameters()).device

    def prepare(self, statistics: InputStatistics) -> None:
        """Use the statistics of the training rows before the first step."""

    def outputs(self, features_NF: Tensor) -> Tensor:
        """Logits (N, H), in evaluation mode and without gradients."""
        self.eval()
        with torch.inference_mode():
            logits_NH: Tensor = self(*by_entity(features_NF.to(self.device)))
        return logits_NH.cpu()

    def files(self) -> dict[str, bytes]:
        """The weights as safetensors."""
        from safetensors.torch import save  # noqa: PLC0415 - steps and scores need torch alone

        return {WEIGHTS_FILE: save({name: value.cpu().contiguous() for name, value in self.state_dict().items()})}


def by_entity(features_NF: Tensor) -> tuple[Tensor, ...]:
    """Split all inputs (N, F), or (F,), into those of user, post and cross."""
    return torch.split(features_NF, [NUM_USER, NUM_POST, NUM_CROSS], dim=-1)
