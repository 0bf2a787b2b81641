"""What every kind of model offers once it is trained: outputs, parts for scoring, and its files.

There are two kinds: networks (``models/network.py``) and boosted trees (``models/trees.py``).

Shape suffixes: N rows, U user features, P post features, C cross features (pair, then context), D embedding,
S projection, H heads, F all inputs (user, post, cross).
"""
# ruff: noqa: N803 - shape suffixes are upper case

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

Side = Callable[[Tensor], tuple[Tensor, Tensor]]
"""Features (N, U) or (N, P) to an embedding (N, D), which similarity search may compare, and a projection (N, S)."""
Pair = Callable[[Tensor, Tensor, Tensor, Tensor, Tensor], Tensor]
"""One user (D,) and (S,), its posts (N, D) and (N, S), cross features (N, C), to logits (N, H)."""


@dataclass(frozen=True)
class Parts:
    """The functions of a model for scoring: per user, per post, per pair, each on one thread and without gradients.

    If a side is None, its embedding is its features and its projection is empty. No part may depend on the other rows
    of a call, whose number is a multiple of 64.
    """

    user: Side | None
    post: Side | None
    pair: Pair


class Model(ABC):
    """A trained model of any kind. ``models/checkpoint.py`` loads what ``files`` returns."""

    @abstractmethod
    def outputs(self, features_NF: Tensor) -> Tensor:
        """Logits (N, H) in the order of ``contracts.heads.HEADS``; a head of seconds is log1p(seconds)."""

    @abstractmethod
    def files(self) -> dict[str, bytes]:
        """Its files by name; equal models have equal files."""

    def parts(self) -> Parts:
        """The parts of a model that computes everything per pair."""

        def pair(user_U: Tensor, _: Tensor, post_NP: Tensor, __: Tensor, cross_NC: Tensor) -> Tensor:
            return self.outputs(torch.cat([user_U.expand(len(post_NP), -1), post_NP, cross_NC], dim=1))

        return Parts(None, None, pair)
