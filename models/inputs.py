"""How networks read the features of an entity.

Shape suffixes: N rows, I inputs, Q quantiles, D embedding, S projection.
"""
# ruff: noqa: N803, N806 - shape suffixes are upper case

import torch
from torch import Tensor, nn

from contracts.features import Entity, features_of
from models.layers import Spread, Standardise
from models.model import Side
from models.network import QUANTILES


class EntityInput(nn.Module):
    """Single numbers by their quantile, numbers of a vector standardised; in registry order of the entities."""

    is_single: Tensor

    def __init__(self, entities: tuple[Entity, ...]) -> None:
        super().__init__()
        sizes = [feature.size for entity in entities for feature in features_of(entity)]
        is_single = torch.tensor([size == 1 for size in sizes for _ in range(size)])
        self.register_buffer("is_single", is_single, persistent=False)
        self.spread, self.standardise = Spread(len(is_single), QUANTILES), Standardise(len(is_single))

    def fit(self, mean_I: Tensor, std_I: Tensor, quantiles_IQ: Tensor) -> None:
        """Take moments and quantiles of the training rows."""
        self.standardise.mean.copy_(mean_I)
        self.standardise.std.copy_(std_I)
        self.spread.fit(quantiles_IQ)

    def forward(self, x_NI: Tensor) -> Tensor:
        """Shape is kept."""
        return torch.where(self.is_single, self.spread(x_NI), self.standardise(x_NI))


def rounded(side: Side) -> Side:
    """A side that computes in double precision and rounds: its results do not depend on the order of sums."""

    def encode(features_NI: Tensor) -> tuple[Tensor, Tensor]:
        embedding_ND, projection_NS = side(features_NI.double())
        return embedding_ND.float(), projection_NS.float()

    return encode
