"""The type of a preset: a network, its sizes and how it is trained."""

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Optimiser:
    """The optimiser's configuration.

    Adam with decoupled ``weight_decay``. The learning rate rises over ``warmup_share`` of all steps and, with
    ``decays``, falls to 0 along a half cosine until the last epoch. A step's gradient has at most
    ``max_gradient_norm``. Training ends after ``patience`` epochs that are no better on the calibration days; the best
    one is kept.
    """

    learning_rate: float
    batch_size: int
    max_gradient_norm: float = 1.0
    weight_decay: float = 0.0
    warmup_share: float = 0.0
    decays: bool = False
    patience: int = 1


@dataclass(frozen=True)
class Preset:
    """The full configuration of a model.

    ``sizes`` is the ``Sizes`` of the network called ``network``. It trains for at most ``epochs`` passes. ``threads``
    is fixed, because sums split over another number of threads round differently; it is one, because the threads of a
    small network wait for each other more than they compute (on busy cores 30 times slower with two).
    """

    name: str
    network: str
    sizes: Any
    optimiser: Optimiser
    epochs: int = 3
    threads: int = 1
