"""What is simulated and where its chance comes from.

Every random draw is a hash of (seed, stream name, ids), so that a row's values depend on nothing but its own ids:
not on partitioning, not on the order of rows, not on what else is simulated.
"""

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from math import pi
from typing import Self, TypeAlias

from pyspark.sql import Column
from pyspark.sql import functions as F

HOUR_MS = 3_600_000
DAY_MS = 24 * HOUR_MS
WARM_UP_DAYS = 2
"""Posts exist for this many days before the first, so that the first sessions find something to show."""

FIRST_USER_ID = 1_000_000
FIRST_PAGE_ID = 2**54 + 1
FIRST_GROUP_ID = 2**55 + 1
FIRST_AD_ID = 2**56 + 1
FIRST_CAMPAIGN_ID = 2**57 + 1
FIRST_POST_ID = 2**60
"""All ids but the users' lie beyond 2^53: a job that passes one through a double merges neighbours."""

USERS_PER_COMMUNITY = 100
USERS_PER_PAGE = 20
USERS_PER_GROUP = 40
USERS_PER_CAMPAIGN = 50

OPTIONS = ("users", "days", "seed", "end_date", "drift_date")

Key: TypeAlias = Column | str | int


@dataclass(frozen=True)
class World:
    """A network of ``users`` over ``days`` days, the last of which is ``end_date``. Times are Unix milliseconds, UTC.

    From ``drift_date`` on tastes and devices are others (``docs/simulator.md``); None: never. ``history_days`` of the
    days were over before anybody was served a ranked feed (0: all); edges and campaigns change in rounds of so many
    days, so that a world which goes on keeps its past. Users, pages, groups and days are counted from 0 inside the
    simulator; ids appear only in events.
    """

    users: int
    days: int
    seed: int
    end_date: date
    drift_date: date | None = None
    history_days: int = 0

    def __post_init__(self) -> None:
        """Refuse a world too small to simulate."""
        if self.users < USERS_PER_COMMUNITY:
            raise ValueError(f"--users must be at least {USERS_PER_COMMUNITY}, one community; it is {self.users}")
        if self.days < 1:
            raise ValueError(f"--days must be at least 1; it is {self.days}")

    @classmethod
    def of_options(cls, options: dict[str, str]) -> Self:
        """The world of ``options``."""
        drift = None if options["drift_date"] == "None" else date.fromisoformat(options["drift_date"])
        users, days, seed = (int(options[name]) for name in ("users", "days", "seed"))
        return cls(users, days, seed, date.fromisoformat(options["end_date"]), drift)

    @property
    def options(self) -> dict[str, str]:
        """What was asked for, as words."""
        return {name: str(getattr(self, name)) for name in OPTIONS}

    @property
    def start_date(self) -> date:
        """The first day."""
        return self.end_date - timedelta(days=self.days - 1)

    @property
    def start_ms(self) -> int:
        """Midnight at the start of the first day."""
        return int(datetime.combine(self.start_date, datetime.min.time(), UTC).timestamp()) * 1000

    @property
    def end_ms(self) -> int:
        """Midnight at the end of the last day: nothing lands at or after it."""
        return self.start_ms + self.days * DAY_MS

    @property
    def round_days(self) -> int:
        """Days of a round of changes: the history's, whatever came after it."""
        return self.history_days or self.days

    @property
    def rounds(self) -> int:
        """Rounds that have begun; the history is round 0."""
        return -(-self.days // self.round_days)

    @property
    def drift_ms(self) -> int:
        """Midnight at which the drift sets in; after the end where there is none."""
        if self.drift_date is None:
            return 2 * self.end_ms
        return self.start_ms + (self.drift_date - self.start_date).days * DAY_MS

    @property
    def communities(self) -> int:
        """Number of communities; the last one may be larger than the others."""
        return self.users // USERS_PER_COMMUNITY

    @property
    def pages(self) -> int:
        """Number of pages."""
        return self.users // USERS_PER_PAGE

    @property
    def groups(self) -> int:
        """Number of groups."""
        return self.users // USERS_PER_GROUP

    @property
    def campaigns(self) -> int:
        """Number of advertising campaigns, the platform's own (number 0) among them."""
        return 1 + self.users // USERS_PER_CAMPAIGN

    def uniform(self, stream: str, *keys: Key) -> Column:
        """Uniform in [0, 1) with 53 bits, drawn for ``keys`` (column names, columns or integers) from ``stream``."""
        columns = [_as_column(key).cast("long") for key in keys]
        bits = F.xxhash64(F.lit(self.seed).cast("long"), F.lit(stream), *columns)
        return F.shiftrightunsigned(bits, 11) * F.lit(2.0**-53)

    def normal(self, stream: str, *keys: Key) -> Column:
        """Standard normal by Box-Muller, from two uniforms of the stream."""
        radius = F.sqrt(-2.0 * F.log(1.0 - self.uniform(f"{stream}/radius", *keys)))
        return radius * F.cos(2.0 * pi * self.uniform(f"{stream}/angle", *keys))

    def index(self, count: Column | int, stream: str, *keys: Key, power: float = 1.0) -> Column:
        """Integer in [0, count); ``power`` above 1 prefers small ones (density falls as x^(1/power - 1))."""
        return F.floor(F.pow(self.uniform(stream, *keys), power) * count)


def _as_column(key: Key) -> Column:
    if isinstance(key, int):
        return F.lit(key)
    return F.col(key) if isinstance(key, str) else key


def choose(draw: Column, weights: dict[str, float]) -> Column:
    """The name whose share of [0, 1) holds ``draw``; weights add up to 1."""
    names = list(weights)
    bound = 1.0
    choice = F.lit(names[-1])
    for name in reversed(names[:-1]):
        bound -= weights[names[names.index(name) + 1]]
        choice = F.when(draw < bound, name).otherwise(choice)
    return choice
