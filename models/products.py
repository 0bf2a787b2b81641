"""The products of user and post features that ``contracts.features.CROSSES`` lists, as inputs of a model.

Shape suffixes: N rows, U user features, P post features, M elementwise products, K products.
"""
# ruff: noqa: N803, N806 - shape suffixes are upper case

from functools import cache

import torch
from torch import Tensor
from torch.nn import functional

from contracts.features import CROSSES, Entity, places_of

SIDES: tuple[Entity, ...] = ("user", "post")


def product_places(side: Entity) -> Tensor:
    """Which features of a side are multiplied, (M,)."""
    return torch.tensor([place for cross in CROSSES for place in places_of(side, getattr(cross, side))])


def product_pooling() -> Tensor:
    """Which elementwise products make up each input: one each, or the sum of a cross (M, K)."""
    columns, start, num_places = [], 0, len(product_places("user"))
    for cross in CROSSES:
        size = len(places_of("user", cross.user))
        block = torch.eye(size) if cross.kind == "products" else torch.ones(size, 1)
        columns.append(functional.pad(block, (0, 0, start, num_places - start - size)))
        start += size
    return torch.cat(columns, dim=1)


def product_names() -> tuple[str, ...]:
    """Names of the K products."""
    return tuple(
        f"cross_{cross.name}_{number}" if cross.kind == "products" else f"cross_{cross.name}"
        for cross in CROSSES
        for number in range(len(places_of("user", cross.user)) if cross.kind == "products" else 1)
    )


def products_of(user_NU: Tensor, post_NP: Tensor) -> Tensor:
    """The products (N, K)."""
    user_places_M, post_places_M, pooling_MK = _constants()
    return (user_NU[:, user_places_M] * post_NP[:, post_places_M]) @ pooling_MK


@cache
def _constants() -> tuple[Tensor, Tensor, Tensor]:
    return product_places("user"), product_places("post"), product_pooling()
