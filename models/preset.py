"""What a preset says: a network, its sizes and how it is trained."""

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Optimiser:
    """Adam's learning rate, rows per step, and the largest norm of a step's gradient."""

    learning_rate: float
    batch_size: int
    max_gradient_norm: float = 1.0


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
