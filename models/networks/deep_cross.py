"""A multi-task ranker of explicit and learned products of a user and a post.

Shape suffixes: N rows, U user features, P post features, C cross features (pair, then context), D numbers of a side
that are multiplied, K products, S first shared layer, H heads.
"""
# ruff: noqa: N803, N806 - shape suffixes are upper case

import copy
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from contracts.heads import HEADS
from models.inputs import EntityInput, rounded
from models.layers import ColumnNorm, HeadLayer
from models.model import Parts
from models.network import NUM_CROSS, NUM_POST, NUM_USER, InputStatistics, Network, by_entity
from models.products import SIDES, product_places, product_pooling


@dataclass(frozen=True)
class _Sizes:
    """``factors`` are learned products; ``shared`` and ``second`` are layer widths, ``head`` those of each head.

    ``input_dropout`` leaves out inputs of a side, ``dropout`` units of the layers.
    """

    factors: int
    shared: int
    second: int
    head: int
    dropout: float
    input_dropout: float


class DeepCross(Network):
    """Inputs by quantile, products of both sides, two shared layers, one small network per head.

    The products are those of ``contracts.features.CROSSES`` and ``factors`` learned ones, as in a factorisation machine
    of two fields. The first shared layer is linear in its inputs, so that a side's share is computed once.
    """

    Sizes = _Sizes
    user_places: Tensor
    post_places: Tensor
    pooling: Tensor

    def __init__(self, sizes: _Sizes) -> None:
        super().__init__(sizes)
        self.user_input, self.post_input = EntityInput(("user",)), EntityInput(("post",))
        self.cross_input = EntityInput(("pair", "context"))
        self.user_factors = nn.Linear(NUM_USER, sizes.factors)
        self.post_factors = nn.Linear(NUM_POST, sizes.factors)
        for side in SIDES:
            self.register_buffer(f"{side}_places", product_places(side), persistent=False)
        self.register_buffer("pooling", product_pooling(), persistent=False)
        num_products = self.pooling.shape[1]
        self.product_norm = ColumnNorm(num_products)
        self.factor_norm = ColumnNorm(sizes.factors)
        self.input_dropout, self.dropout = nn.Dropout(sizes.input_dropout), nn.Dropout(sizes.dropout)
        self.user_shared = nn.Linear(NUM_USER, sizes.shared)
        self.post_shared = nn.Linear(NUM_POST, sizes.shared, bias=False)
        self.cross_shared = nn.Linear(NUM_CROSS + num_products + sizes.factors, sizes.shared, bias=False)
        self.norm = nn.LayerNorm(sizes.shared)
        self.second = nn.Linear(sizes.shared, sizes.second)
        self.heads = nn.ModuleList([HeadLayer(sizes.second, sizes.head), HeadLayer(sizes.head, 1)])
        self.linear = nn.Linear(NUM_CROSS + num_products + sizes.factors, len(HEADS))
        nn.init.zeros_(self.linear.weight)

    def prepare(self, statistics: InputStatistics) -> None:
        """Spread inputs as the training rows do; start each head at its mean output."""
        inputs = (self.user_input, self.post_input, self.cross_input)
        parts = (by_entity(statistics.mean), by_entity(statistics.std), by_entity(statistics.quantiles.T))
        for module, mean, std, quantiles in zip(inputs, *parts, strict=True):
            module.fit(mean, std, quantiles.T.contiguous())
        with torch.no_grad():
            self.linear.bias.copy_(statistics.base_rate)
            self.heads[-1].bias.zero_()  # type: ignore[operator]

    def forward(self, user_NU: Tensor, post_NP: Tensor, cross_NC: Tensor) -> Tensor:
        """Logits (N, H)."""
        user_ND, user_NS = self._user(user_NU)
        post_ND, post_NS = self._post(post_NP)
        return self._pair(user_ND, user_NS, post_ND, post_NS, cross_NC)

    def _user(self, user_NU: Tensor) -> tuple[Tensor, Tensor]:
        spread_NU = self.input_dropout(self.user_input(user_NU))
        multiplied_ND = torch.cat([user_NU[:, self.user_places], self.user_factors(spread_NU)], dim=1)
        return multiplied_ND, self.user_shared(spread_NU)

    def _post(self, post_NP: Tensor) -> tuple[Tensor, Tensor]:
        spread_NP = self.input_dropout(self.post_input(post_NP))
        multiplied_ND = torch.cat([post_NP[:, self.post_places], self.post_factors(spread_NP)], dim=1)
        return multiplied_ND, self.post_shared(spread_NP)

    def _pair(self, user_ND: Tensor, user_NS: Tensor, post_ND: Tensor, post_NS: Tensor, cross_NC: Tensor) -> Tensor:
        num_given = len(self.user_places)
        products_ND = user_ND * post_ND
        products_NK = self.product_norm(products_ND[:, :num_given] @ self.pooling)
        factors_NK = self.factor_norm(products_ND[:, num_given:])
        input_NI = torch.cat([self.cross_input(cross_NC), products_NK, factors_NK], dim=1)
        first_NS = self.cross_shared(self.input_dropout(input_NI)) + user_NS + post_NS
        hidden = self.dropout(torch.relu(self.norm(first_NS)))
        hidden = self.dropout(torch.relu(self.second(hidden))).expand(len(HEADS), -1, -1)
        deep_NH = self.heads[1](torch.relu(self.heads[0](hidden))).squeeze(2).T
        logits_NH: Tensor = deep_NH + self.linear(input_NI)
        return logits_NH

    def parts(self) -> Parts:
        """Both sides in double precision, rounded, so that no order of sums is left; the rest per pair."""
        exact = copy.deepcopy(self).double()

        def pair(user_D: Tensor, user_S: Tensor, post_ND: Tensor, post_NS: Tensor, cross_NC: Tensor) -> Tensor:
            return self._pair(user_D, user_S, post_ND, post_NS, cross_NC)

        return Parts(rounded(exact._user), rounded(exact._post), pair)
