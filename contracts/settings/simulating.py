"""Settings of the simulated network, kept beside the landing area's truth; a night's hash leaves them out."""

from dataclasses import dataclass
from datetime import date
from typing import Annotated

from contracts.settings.kinds import Bounds


@dataclass(frozen=True)
class Simulation:
    """A simulated network (``docs/simulator.md``): the same values give the same lines.

    ``end_date`` is the last day; tastes and devices change on ``drift_date``, if it is set.
    """

    users: Annotated[int, Bounds(100, 100_000_000)] = 2000
    days: Annotated[int, Bounds(1, 3_650)] = 8
    seed: Annotated[int, Bounds(0, 2**31 - 1)] = 20
    end_date: date = date(2026, 3, 8)
    drift_date: date | None = None
