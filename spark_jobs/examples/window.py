"""The days and hours that bound a night's training examples."""

from dataclasses import dataclass
from datetime import date, datetime, timedelta

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from spark_jobs.night.night import Night
from spark_jobs.rules.point_in_time import known_before


@dataclass(frozen=True)
class Window:
    """Examples of the days [``first``, ``last``] whose label window has closed by ``as_of``."""

    first: date
    last: date
    as_of: datetime
    attribution_hours: int
    dwell_hours: int
    candidate_hours: int

    @staticmethod
    def of(night: Night) -> "Window":
        """The window of a night: the training days before ``ds``."""
        dataset = night.settings.dataset
        return Window(
            night.ds - timedelta(days=dataset.training_days),
            night.ds - timedelta(days=1),
            night.as_of,
            dataset.attribution_hours,
            dataset.dwell_hours,
            dataset.candidate_hours,
        )

    @property
    def days(self) -> list[date]:
        """Every day of the window."""
        return [self.first + timedelta(days=offset) for offset in range((self.last - self.first).days + 1)]

    @property
    def closed_at(self) -> datetime:
        """Latest instant whose label window has closed."""
        return self.as_of - timedelta(hours=self.attribution_hours)

    def received(self, frame: DataFrame, event_time: str) -> DataFrame:
        """Rows that happened and were received before the as-of."""
        return frame.where(known_before(self.as_of, event_time))

    def holds(self, instant: str) -> Column:
        """Whether an instant is in the window and its label window has closed."""
        day = F.to_date(instant)
        return day.between(F.lit(self.first), F.lit(self.last)) & (F.col(instant) <= F.lit(self.closed_at))
