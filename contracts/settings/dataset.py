"""What a landing area may say of itself; unknown keys are refused."""

import json
from dataclasses import dataclass, fields
from typing import Any


@dataclass(frozen=True)
class Dataset:
    """What a landing area says of itself (``dataset.json``).

    ``has_impressions``: false for a source that logs no impressions; then examples are user-level engagements
    plus sampled negatives (``docs/negatives.md``), never invented impressions.
    Windows are in days or hours before the night's as-of.
    More than ``max_quarantined_share`` of refused lines stops a night, from ``min_quarantined_lines`` of them on, or
    where no line is accepted: of three lines one is a third, and no sign that a source is broken.
    """

    name: str = "network"
    has_impressions: bool = True
    training_days: int = 7
    calibration_days: int = 1
    holdout_days: int = 1
    candidate_hours: int = 72
    activity_days: int = 28
    late_days: int = 3
    attribution_hours: int = 24
    dwell_hours: int = 1
    max_quarantined_share: float = 0.05
    min_quarantined_lines: int = 20

    @property
    def reserved_days(self) -> int:
        """Days with examples that no model is trained on: those that calibrate it, and those that judge it."""
        return self.calibration_days + self.holdout_days

    def __post_init__(self) -> None:
        """Refuse windows that leave nothing to train on."""
        if self.training_days <= self.reserved_days:
            raise ValueError(
                f"dataset.json: training_days ({self.training_days}) must exceed calibration_days + holdout_days "
                f"({self.calibration_days} + {self.holdout_days})"
            )


def parse_dataset(text: str) -> Dataset:
    """Read ``dataset.json``; a misspelt key or a value of the wrong type raises ``ValueError`` naming it."""
    values: dict[str, Any] = json.loads(text)
    known = {item.name: type(item.default) for item in fields(Dataset)}
    for key, value in values.items():
        if key not in known:
            raise ValueError(f"dataset.json: unknown key {key!r}; known keys: {', '.join(sorted(known))}")
        wanted = known[key]
        if type(value) is not wanted and not (wanted is float and type(value) is int):
            raise ValueError(f"dataset.json: {key} must be {wanted.__name__}, not {type(value).__name__}")
    return Dataset(**values)
