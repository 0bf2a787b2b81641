"""Sizes of the ranker, by name: every number of a model's shape and optimiser in one place."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Preset:
    """One size of the ranker. ``tower``, ``shared`` and ``head`` are layer widths; ``head`` leads to one output."""

    name: str
    tower: tuple[int, ...]
    shared: int
    head: tuple[int, int]
    dropout: float
    learning_rate: float
    batch_size: int


PRESETS: dict[str, Preset] = {
    "tiny": Preset("tiny", (64, 32), 64, (32, 16), dropout=0.2, learning_rate=1e-3, batch_size=256),
    "base": Preset("base", (256, 512, 256), 256, (128, 64), dropout=0.2, learning_rate=1e-4, batch_size=1024),
}


def preset_of(name: str) -> Preset:
    """The preset called ``name``; an unknown name raises ``ValueError`` that lists the known ones."""
    if name not in PRESETS:
        raise ValueError(f"unknown preset {name!r}; presets are {', '.join(PRESETS)}")
    return PRESETS[name]
