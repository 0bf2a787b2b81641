"""One pinned version of ``gold.training_examples``: its files by day, and which days train, calibrate and judge.

Only the files of the snapshot are read, never a glob: a table folder also holds files of older versions.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta

import pyarrow as pa

from contracts.heads import LABEL_COLUMNS
from contracts.places import Location, Place, table_below
from contracts.settings import Dataset, TrainingMinimum
from models.examples import FEATURE_COLUMNS, TABLE, TooFewExamples
from storage.delta import is_table, open_table


@dataclass(frozen=True)
class Snapshot:
    """One version of the examples: its data files by day, each list in part order."""

    version: int
    files: dict[date, tuple[Place, ...]]

    def files_of(self, days: Sequence[date]) -> tuple[Place, ...]:
        """Files of the given days, oldest day first."""
        return tuple(file for day in sorted(days) for file in self.files.get(day, ()))


@dataclass(frozen=True)
class Split:
    """Which days train, which calibrate and stop early, and which are held out; each oldest first."""

    training: tuple[date, ...]
    calibration: tuple[date, ...]
    holdout: tuple[date, ...]


def pin_snapshot(lake: Location) -> Snapshot:
    """The latest version of the examples; a missing table or column raises ``ValueError`` naming it."""
    place = table_below(Place.parse(lake), TABLE)
    if not is_table(place):
        raise ValueError(f"{TABLE} does not exist under {lake}; run the examples stage first")
    table = open_table(place)
    columns = {field.name for field in table.schema().fields}
    required = ("example_id", *FEATURE_COLUMNS, *LABEL_COLUMNS, "weight")
    if missing := [column for column in required if column not in columns]:
        raise ValueError(f"{TABLE} version {table.version()} lacks the columns {', '.join(missing)}")
    # paths relative to the table: the URIs that deltalake returns are percent-encoded
    actions = pa.table(table.get_add_actions(flatten=True)).select(["path", "partition.ds"]).to_pylist()
    files: dict[date, list[Place]] = {}
    for action in actions:
        files.setdefault(action["partition.ds"], []).append(place.below(action["path"]))
    return Snapshot(table.version(), {day: tuple(sorted(files[day], key=str)) for day in sorted(files)})


def split_days(snapshot: Snapshot, ds: date, dataset: Dataset) -> Split:
    """Split the days with examples in [ds - training_days, ds - 1]; examples of ``ds`` have not matured yet.

    The last ``holdout_days`` are held out, the ``calibration_days`` before them calibrate, the others train.
    Raises ``TooFewExamples`` when too few days are left to train on.
    """
    first, last = ds - timedelta(days=dataset.training_days), ds - timedelta(days=1)
    days = [day for day in sorted(snapshot.files) if first <= day <= last]
    num_reserved = dataset.reserved_days
    if len(days) < num_reserved + TrainingMinimum.DAYS:
        listed = ", ".join(map(str, days)) or "none"
        raise TooFewExamples(
            f"{TABLE} version {snapshot.version} has examples of {len(days)} days ({listed}) in {first} to {last}; "
            f"training needs {num_reserved + TrainingMinimum.DAYS} "
            f"(calibration_days {dataset.calibration_days}, holdout_days {dataset.holdout_days})"
        )
    calibrate_from, hold_out_from = len(days) - num_reserved, len(days) - dataset.holdout_days
    return Split(tuple(days[:calibrate_from]), tuple(days[calibrate_from:hold_out_from]), tuple(days[hold_out_from:]))
