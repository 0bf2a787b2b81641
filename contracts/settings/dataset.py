"""The settings that a landing area has in its ``dataset.json``; unknown keys are refused."""

import json
from dataclasses import dataclass
from typing import Any

from contracts.settings.kinds import Count, Days, DaysOrNone, Hours, Share, kinds_of, show
from contracts.settings.problems import SettingsError
from contracts.settings.sections import Given, accept


@dataclass(frozen=True)
class Dataset:
    """The settings of a landing area (``dataset.json``).

    ``has_impressions``: false for a source that logs no impressions; then examples are user-level engagements
    plus sampled negatives (``docs/negatives.md``), never invented impressions.
    Windows are in days or hours before the night's as-of.
    A night stops if more than ``max_quarantined_share`` of the lines are refused and these are at least
    ``min_quarantined_lines``, or if no line is accepted. One refused line of three is no sign of a broken source.
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
        """Number of days with examples that no model is trained on: calibration days and held-out days."""
        return self.calibration_days + self.holdout_days

    def __post_init__(self) -> None:
        """Refuse windows that leave no training days."""
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
    """The values that ``dataset.json`` gives; raises ``SettingsError`` if it is not a JSON object."""
    try:
        values = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise SettingsError([f"{source}: no JSON: {error}"]) from error
    if not isinstance(values, dict):
        raise SettingsError([f"{source}: holds {show(values)}; allowed is one object of keys and values"])
    return [Given(key, value, source) for key, value in values.items()]


def dataset_of(values: dict[str, Any], source: str) -> Dataset:
    """The data set of accepted values; raises ``SettingsError`` if its windows leave no training days."""
    try:
        return Dataset(**values)
    except ValueError as error:
        raise SettingsError([f"{source}: {error}"]) from error
