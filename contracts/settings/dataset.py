"""What a landing area may say of itself; unknown keys are refused."""

import json
from dataclasses import dataclass
from typing import Any

from contracts.settings.kinds import Count, Days, DaysOrNone, Hours, Share, kinds_of, show
from contracts.settings.problems import SettingsError
from contracts.settings.sections import Given, accept


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
    training_days: Days = 7
    calibration_days: DaysOrNone = 1
    holdout_days: DaysOrNone = 1
    candidate_hours: Hours = 72
    activity_days: Days = 28
    late_days: DaysOrNone = 3
    attribution_hours: Hours = 24
    dwell_hours: Hours = 1
    max_quarantined_share: Share = 0.05
    min_quarantined_lines: Count = 20

    @property
    def reserved_days(self) -> int:
        """Days with examples that no model is trained on: those that calibrate it, and those that judge it."""
        return self.calibration_days + self.holdout_days

    def __post_init__(self) -> None:
        """Refuse windows that leave nothing to train on."""
        if self.training_days <= self.reserved_days:
            raise ValueError(
                f"training_days ({self.training_days}) must exceed calibration_days + holdout_days "
                f"({self.calibration_days} + {self.holdout_days})"
            )


def parse_dataset(text: str, source: str = "dataset.json") -> Dataset:
    """Read ``dataset.json``; raises ``SettingsError`` with every problem of it."""
    problems: list[str] = []
    accepted = accept(read_dataset(text, source), kinds_of(Dataset), problems)
    if problems:
        raise SettingsError(problems)
    return dataset_of({key: one.value for key, one in accepted.items()}, source)


def read_dataset(text: str, source: str) -> list[Given]:
    """The values that ``dataset.json`` gives; raises ``SettingsError`` where it holds no JSON object."""
    try:
        values = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise SettingsError([f"{source}: no JSON: {error}"]) from error
    if not isinstance(values, dict):
        raise SettingsError([f"{source}: holds {show(values)}; allowed is one object of keys and values"])
    return [Given(key, value, source) for key, value in values.items()]


def dataset_of(values: dict[str, Any], source: str) -> Dataset:
    """The data set of accepted values; raises ``SettingsError`` where its windows leave nothing to train on."""
    try:
        return Dataset(**values)
    except ValueError as error:
        raise SettingsError([f"{source}: {error}"]) from error
