"""The types of a preset: a network, its sizes and how it is trained; or rules by which trees are grown."""

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

    ``teacher_share`` is the share of the loss that compares with the outputs of a trained model, the teacher, instead
    of labels; 0 needs no teacher.
    """

    name: str
    network: str
    sizes: Any
    optimiser: Optimiser
    epochs: int = 3
    threads: int = 1
    teacher_share: float = 0.0

    def __post_init__(self) -> None:
        """Refuse a share that is none."""
        if not 0.0 <= self.teacher_share <= 1.0:
            raise ValueError(f"preset {self.name}: teacher_share is {self.teacher_share}, not from 0 to 1")


@dataclass(frozen=True)
class Boosting:
    """Rules by which the trees of each head are grown.

    At most ``rounds`` trees; growing ends after ``patience`` that do not lower the head's loss on the calibration days,
    and the best number is kept. A tree has at most ``leaves``. A leaf holds at least ``leaf_curvature`` of the loss's
    second derivative: rows for dwell, and p (1 - p) summed for a binary head, so about as many expected positives.
    A tree reads ``inputs_share`` of the inputs, in at most ``bins`` steps each. ``ridge`` is a quadratic penalty of a
    leaf's value.
    """

    rounds: int
    patience: int
    learning_rate: float
    leaves: int
    leaf_curvature: float
    inputs_share: float
    bins: int
    ridge: float


@dataclass(frozen=True)
class TreePreset:
    """The full configuration of boosted trees. ``threads`` is fixed: sums split otherwise round differently."""

    name: str
    boosting: Boosting
    threads: int = 1


AnyPreset = Preset | TreePreset
