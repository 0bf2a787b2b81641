"""A multi-task ranker that costs little per pair: one small product of both sides, and one of the cross inputs.

Shape suffixes: N rows, U user features, P post features, C cross features (pair, then context), J segments,
L hidden layer, K learned factors, M products of features, G products as inputs, F post features and factors that are
multiplied, D numbers of a side, S = H heads.
"""
# ruff: noqa: N803, N806 - shape suffixes are upper case

import copy
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from contracts.heads import HEADS
from models.inputs import EntityInput, rounded
from models.layers import ColumnNorm, Segments
from models.model import Parts
from models.network import NUM_CROSS, NUM_POST, NUM_USER, InputStatistics, Network, by_entity
from models.products import SIDES, product_places, product_pooling

NUM_HEADS = len(HEADS)


@dataclass(frozen=True)
class _Sizes:
    """``hidden`` is the width of each side's layer, ``factors`` of what both sides multiply.

    Each cross input is read in ``segments``. ``input_dropout`` leaves out inputs of a side, ``dropout`` hidden units.
    """

    hidden: int
    factors: int
    segments: int
    dropout: float
    input_dropout: float


class Factored(Network):
    """A logit is a sum: of a user's and a post's share, of products of both, and of a curve of each cross input.

    The products are those of ``contracts.features.CROSSES`` and learned ones: a post has K factors, a user has K for
    each head. Nothing that is not linear runs per pair, but for the segments of the cross inputs.
    """

    Sizes = _Sizes
    user_places: Tensor
    post_places: Tensor
    pooling: Tensor

    def __init__(self, sizes: _Sizes) -> None:
        super().__init__(sizes)
        self.user_input, self.post_input = EntityInput(("user",)), EntityInput(("post",))
        self.cross_input = Segments(NUM_CROSS, sizes.segments)
        for side in SIDES:
            self.register_buffer(f"{side}_places", product_places(side), persistent=False)
        self.register_buffer("pooling", product_pooling(), persistent=False)
        self.product_norm = ColumnNorm(self.pooling.shape[1])
        self.input_dropout, self.dropout = nn.Dropout(sizes.input_dropout), nn.Dropout(sizes.dropout)
        self.user_hidden, self.post_hidden = nn.Linear(NUM_USER, sizes.hidden), nn.Linear(NUM_POST, sizes.hidden)
        self.user_factors = nn.Linear(sizes.hidden, NUM_HEADS * sizes.factors)
        self.post_factors = nn.Linear(sizes.hidden, sizes.factors)
        self.user_share = nn.Linear(sizes.hidden, NUM_HEADS, bias=False)
        self.post_share = nn.Linear(sizes.hidden, NUM_HEADS, bias=False)
        self.products = nn.Linear(self.pooling.shape[1], NUM_HEADS, bias=False)
        nn.init.zeros_(self.products.weight)
        self.cross = nn.Linear(sizes.segments * NUM_CROSS, NUM_HEADS)

    def prepare(self, statistics: InputStatistics) -> None:
        """Read inputs by the quantiles of the training rows; start each head near its mean output."""
        means, stds, quantiles = (
            by_entity(values) for values in (statistics.mean, statistics.std, statistics.quantiles.T)
        )
        for place, side in enumerate((self.user_input, self.post_input)):
            side.fit(means[place], stds[place], quantiles[place].T.contiguous())
        self.cross_input.fit(quantiles[2].T.contiguous())
        with torch.no_grad():
            self.cross.bias.copy_(statistics.base_rate)

    def forward(self, user_NU: Tensor, post_NP: Tensor, cross_NC: Tensor) -> Tensor:
        """Logits (N, H)."""
        user_NHK, user_NH = self._user(user_NU)
        post_NK, post_NH = self._post(post_NP)
        products_NG = self.product_norm((user_NU[:, self.user_places] * post_NP[:, self.post_places]) @ self.pooling)
        both_NH = (user_NHK * post_NK.unsqueeze(1)).sum(2) + self.products(products_NG)
        logits_NH: Tensor = both_NH + user_NH + post_NH + self.cross(self.cross_input(cross_NC))
        return logits_NH

    def _user(self, user_NU: Tensor) -> tuple[Tensor, Tensor]:
        """Factors (N, H, K), and the share of each head (N, H)."""
        hidden_NL = self._hidden(self.user_hidden, self.user_input(user_NU))
        num_factors = self.post_factors.out_features
        factors_NHK = self.user_factors(hidden_NL).view(-1, NUM_HEADS, num_factors) * num_factors**-0.5
        return factors_NHK, self.user_share(hidden_NL)

    def _post(self, post_NP: Tensor) -> tuple[Tensor, Tensor]:
        """Factors (N, K), and the share of each head (N, H)."""
        hidden_NL = self._hidden(self.post_hidden, self.post_input(post_NP))
        return self.post_factors(hidden_NL), self.post_share(hidden_NL)

    def _hidden(self, layer: nn.Linear, input_NI: Tensor) -> Tensor:
        hidden_NL: Tensor = self.dropout(torch.relu(layer(self.input_dropout(input_NI))))
        return hidden_NL

    def parts(self) -> Parts:
        """A post's features to multiply and factors, (F,), a user's weight of each for each head, (F, H), as one row.

        Both sides in double precision, rounded, so that no order of sums is left. The normalisation of products is part
        of the user's weights, the slope of a segment part of its weight.
        """
        folded = _Folded(copy.deepcopy(self).double().eval().requires_grad_(requires_grad=False))
        segments, weight_IH = self.cross_input, folded.cross_IH.float().contiguous()

        def pair(user_D: Tensor, user_S: Tensor, post_NF: Tensor, post_NS: Tensor, cross_NC: Tensor) -> Tensor:
            logits_NS = torch.addmm(post_NS, segments.lengths(cross_NC), weight_IH)
            return logits_NS.addmm_(post_NF, user_D.view(-1, NUM_HEADS)).add_(user_S)

        return Parts(rounded(folded.user), rounded(folded.post), pair)


class _Folded:
    """A network in double precision whose products are multiplied by weights of the user alone."""

    def __init__(self, network: Factored) -> None:
        self._network, norm = network, network.product_norm
        assert norm.running_mean is not None and norm.running_var is not None  # noqa: PT018 - for types
        scale_G = norm.weight * torch.rsqrt(norm.running_var + norm.eps)
        products_GH = network.products.weight.T
        self._weight_MH = network.pooling @ (scale_G.unsqueeze(1) * products_GH)
        self._constant_H = (norm.bias - norm.running_mean * scale_G) @ products_GH + network.cross.bias
        # Several products read the same feature of a post.
        self._places_F, self._place_of_M = torch.unique(network.post_places, return_inverse=True)
        self.cross_IH = network.cross_input.slope.flatten().unsqueeze(1) * network.cross.weight.T

    def user(self, user_NU: Tensor) -> tuple[Tensor, Tensor]:
        """Weights (N, F * H) of what a post gives, and (N, H)."""
        factors_NHK, share_NH = self._network._user(user_NU)
        weights_NMH = user_NU[:, self._network.user_places].unsqueeze(2) * self._weight_MH
        summed_NFH = weights_NMH.new_zeros(len(user_NU), len(self._places_F), NUM_HEADS)
        summed_NFH.index_add_(1, self._place_of_M, weights_NMH)
        return torch.cat([summed_NFH, factors_NHK.transpose(1, 2)], dim=1).flatten(1), share_NH + self._constant_H

    def post(self, post_NP: Tensor) -> tuple[Tensor, Tensor]:
        """Features to multiply and factors (N, F), and (N, H)."""
        factors_NK, share_NH = self._network._post(post_NP)
        return torch.cat([post_NP[:, self._places_F], factors_NK], dim=1), share_NH
