"""Boosted trees: one LightGBM model per head, over the inputs of a network and the products of both sides.

Shape suffixes: N rows, F inputs (user, post, cross), I inputs and products, H heads.
"""
# ruff: noqa: N803, N806 - shape suffixes are upper case

import lightgbm
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from models.checkpoint import TREE_FILES
from models.examples import FEATURES
from models.model import Model
from models.network import by_entity
from models.products import product_names, products_of

INPUTS: tuple[str, ...] = (
    *(
        feature.example_column if feature.size == 1 else f"{feature.example_column}_{number}"
        for feature in FEATURES
        for number in range(feature.size)
    ),
    *product_names(),
)
"""Names of the inputs of every tree; each head's file holds them."""


class Trees(Model):
    """The trees of each head, in the order of ``contracts.heads.HEADS``. A row's outputs depend on that row alone."""

    def __init__(self, boosters: tuple[lightgbm.Booster, ...]) -> None:
        self._boosters = boosters

    @staticmethod
    def of_files(files: dict[str, bytes]) -> "Trees":
        """Trees from what ``files`` returned; trees of other inputs raise ``ValueError``."""
        boosters = tuple(lightgbm.Booster(model_str=files[name].decode()) for name in TREE_FILES)
        for name, booster in zip(TREE_FILES, boosters, strict=True):
            if tuple(booster.feature_name()) != INPUTS:
                raise ValueError(f"{name} was grown on other inputs or products of inputs; train it again")
        return Trees(boosters)

    def outputs(self, features_NF: Tensor) -> Tensor:
        """Logits (N, H), on one thread."""
        inputs_NI = inputs_of(features_NF.cpu())
        columns = [booster.predict(inputs_NI, raw_score=True, num_threads=1) for booster in self._boosters]
        return torch.from_numpy(np.stack(columns, axis=1).astype(np.float32))

    def files(self) -> dict[str, bytes]:
        """One text per head."""
        texts = (booster.model_to_string() for booster in self._boosters)
        return {name: text.encode() for name, text in zip(TREE_FILES, texts, strict=True)}


def inputs_of(features_NF: Tensor) -> NDArray[np.float32]:
    """All inputs and products, (N, I)."""
    user_NU, post_NP, _ = by_entity(features_NF)
    inputs: NDArray[np.float32] = torch.cat([features_NF, products_of(user_NU, post_NP)], dim=1).numpy()
    return inputs
