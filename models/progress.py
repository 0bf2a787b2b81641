"""Progress of a training, and the lines that report it."""

import math
import time
from collections.abc import Callable
from dataclasses import dataclass, field

REPORT_EVERY_S = 10.0
_MINUTE_S = 60
_HOUR_S = 3600


@dataclass(frozen=True)
class Epoch:
    """One training epoch: mean losses, per head on the calibration days, and the speed of training alone.

    Without calibration days ``calibration_loss`` is None and ``losses`` is empty.
    """

    epoch: int
    training_loss: float
    calibration_loss: float | None
    losses: dict[str, float]
    rows_per_s: float


@dataclass
class Place:
    """The epochs that ended, and of the current one: batches, rows and seconds."""

    epochs: list[Epoch] = field(default_factory=list)
    batches: int = 0
    rows: int = 0
    seconds: float = 0.0

    @property
    def number(self) -> int:
        """Number of the current epoch, from 1."""
        return len(self.epochs) + 1

    @property
    def best_epoch(self) -> int:
        """The epoch with the lowest loss on the calibration days; without such days, the latest; 0 before the first."""
        return min(self.epochs, key=_badness).epoch if self.epochs else 0

    def is_over(self, num_epochs: int, patience: int) -> bool:
        """Whether no epoch is left, or ``patience`` epochs did not improve on the best."""
        ended = len(self.epochs)
        return ended >= num_epochs or (ended > 0 and ended - self.best_epoch >= patience)

    def end_epoch(self, epoch: Epoch) -> None:
        """Add the current epoch to those that ended."""
        self.epochs.append(epoch)
        self.batches, self.rows, self.seconds = 0, 0, 0.0


class Progress:
    """Reports every ten seconds the rows done, the speed, and the longest time that the remaining epochs take."""

    def __init__(
        self,
        num_examples: int,
        num_epochs: int,
        report: Callable[[str], None],
        clock: Callable[[], float] = time.perf_counter,
    ) -> None:
        self._num_examples, self._num_epochs, self._report = num_examples, num_epochs, report
        self._clock, self._next = clock, clock() + REPORT_EVERY_S

    def step(self, place: Place) -> None:
        """Report the place after a step, at most every ten seconds."""
        if self._clock() < self._next:
            return
        self._next = self._clock() + REPORT_EVERY_S
        speed = place.rows / place.seconds
        left_s = ((self._num_epochs - len(place.epochs)) * self._num_examples - place.rows) / speed
        self._report(
            f"epoch {place.number}/{self._num_epochs}  {place.rows:,} of {self._num_examples:,} rows  "
            f"{speed:,.0f} rows/s  ETA {duration_text(left_s)}"
        )

    def epoch(self, epoch: Epoch) -> None:
        """Report an epoch that ended."""
        line = f"epoch {epoch.epoch}/{self._num_epochs}  training {epoch.training_loss:.4f}  "
        if epoch.calibration_loss is not None:
            heads = "  ".join(f"{head} {loss:.4f}" for head, loss in epoch.losses.items())
            line += f"calibration {epoch.calibration_loss:.4f}  ({heads})  "
        left_s = (self._num_epochs - epoch.epoch) * self._num_examples / epoch.rows_per_s
        self._report(f"{line}{epoch.rows_per_s:,.0f} rows/s" + (f"  ETA {duration_text(left_s)}" if left_s else ""))


def duration_text(seconds: float) -> str:
    """A duration, rounded up: ``42 s``, ``3 min 05 s`` or ``2 h 10 min``."""
    whole = math.ceil(seconds)
    if whole < _MINUTE_S:
        return f"{whole} s"
    if whole < _HOUR_S:
        return f"{whole // _MINUTE_S} min {whole % _MINUTE_S:02d} s"
    return f"{whole // _HOUR_S} h {whole % _HOUR_S // _MINUTE_S:02d} min"


def _badness(epoch: Epoch) -> float:
    return -float(epoch.epoch) if epoch.calibration_loss is None else epoch.calibration_loss
