"""The files that a night leaves in its folder, ``<runs>/<ds>``: their names, who writes them, what they hold.

Only this module names, writes and reads them. A file is written whole or not at all, on a disk and on S3.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Generic, TypedDict, TypeVar

from contracts.folders import Folder, as_folder
from contracts.pipeline import BY_NAME
from contracts.places import Location
from contracts.settings.models import HEAVY

T = TypeVar("T")
Json = dict[str, Any]

REPORT = "report.html"


class RuleResult(TypedDict):
    """Result of one rule of a gate: ``unexpected_count`` rows of ``element_count`` broke it."""

    expectation: str
    column: str | None
    severity: str
    success: bool
    unexpected_count: int
    element_count: int
    message: str
    why: str


class TableVerdict(TypedDict):
    """The verdict of a table's gate; ``rows`` were written this night, ``rows_checked`` are those the gate read."""

    table: str
    ds: str
    settings: str
    success: bool
    rows: int
    rows_checked: int
    seconds: float
    results: list[RuleResult]


class TableTiming(TypedDict):
    """One table of a stage."""

    rows: int
    rows_checked: int
    seconds: float
    gate_seconds: float


class StageRecord(TypedDict):
    """Duration and resources of a stage; ``started_at`` in ISO 8601."""

    stage: str
    started_at: str
    seconds: float
    startup_seconds: float
    peak_rss_mb: float
    tables: dict[str, TableTiming]


class AuditRecord(TypedDict):
    """The audit of a night's pools and ads, in versions ``ranked_version`` and ``ads_version`` of their tables."""

    ds: str
    passed: bool
    ranked_version: int
    ads_version: int
    checks: list[Json]


class PolicyRecord(TypedDict):
    """What policy removed from a night's candidates: per rule of ``contracts.policy``, ``removed`` of ``proposals``.

    A proposal is one post that one source proposes to one user within its limit; if it breaks two rules, it counts for
    both. ``asked`` counts the users to whom a rule applies, ``flagged`` the posts that could break it.
    """

    ds: str
    proposals: int
    removed: dict[str, int]
    flagged: dict[str, int]
    asked: dict[str, int]


class RerankRecord(TypedDict):
    """How a night's pools were filled: ``places`` in all, and how many break each rule in force, by rule name.

    A rule is broken only if the user's candidates leave no choice. ``explored`` places were filled by a draw.
    """

    ds: str
    places: int
    broken: dict[str, int]
    explored: int


class AdsRecord(TypedDict):
    """A night's ads: ``campaigns`` can pay for ``paid_for`` places of the day, whether or not users target them.

    ``ads`` is the number of places of pools that have one, ``most_charged`` what they cost if all are clicked.
    """

    ds: str
    campaigns: int
    paid_for: int
    ads: int
    most_charged: float


DIFFERENCE_CAUSES = ("new_posts", "rules", "model", "weights", "features")
"""Causes that can bring another post to a place in a pool; the first that applies counts."""


class MovedFeature(TypedDict):
    """A feature of users, and how far it moved: in standard deviations over the sample."""

    name: str
    shift: float


class ChangedUser(TypedDict):
    """How much one user's pool changes: the share of its first places that show another post, in all and by cause."""

    user_id: int
    changed: float
    by: dict[str, float]
    features: list[MovedFeature]


class DifferenceRecord(TypedDict):
    """How a new epoch differs from the one that was live before its flip, on a sample of users with a pool in both.

    ``changed`` is the mean share of their first ``depth`` places that show another post, ``by`` the same by cause;
    ``inputs`` what of the manifests differs, before and after; ``most`` the users that change most. ``live`` is null
    where no epoch was live.
    """

    live: int | None
    new: int
    sampled: int
    users: int
    depth: int
    changed: float
    by: dict[str, float]
    inputs: dict[str, list[str]]
    features: list[MovedFeature]
    most: list[ChangedUser]


@dataclass(frozen=True)
class RunFile(Generic[T]):
    """One file of ``folder``, which ``stage`` writes."""

    folder: Folder
    name: str
    stage: str

    def __str__(self) -> str:
        """Its location."""
        return str(self.folder.place.below(self.name))

    def exists(self) -> bool:
        """Whether it has been written."""
        return self.folder.exists(self.name)

    def read(self) -> T:
        """Its content; ``FileNotFoundError`` if it was not written, ``ValueError`` if it is not JSON."""
        content: T = json.loads(self.folder.read(self.name))
        return content

    def write(self, value: T) -> None:
        """Replace the file so that readers see all of it or none; NaN and infinity, which JSON lacks, are refused."""
        text = json.dumps(value, indent=1, default=str, allow_nan=False) + "\n"
        self.folder.write(self.name, text.encode())

    def remove(self) -> None:
        """Remove the file, if there is one."""
        self.folder.remove(self.name)


class RunFiles:
    """The files of the night whose folder is ``folder``: an opened one, or a location of this machine."""

    def __init__(self, folder: Folder | Location) -> None:
        self.folder = as_folder(folder)

    @classmethod
    def of(cls, runs: Folder | Location, ds: date | str) -> "RunFiles":
        """The files of the night of ``ds`` under ``runs``."""
        return cls(as_folder(runs).below(str(ds)))

    def _file(self, name: str, stage: str) -> RunFile[Any]:
        return RunFile(self.folder, name, stage)

    def verdict(self, table: str) -> RunFile[TableVerdict]:
        """The verdict of the gate of ``layer.table``."""
        return self._file(f"verdicts/{table}.json", BY_NAME[table].stage)

    def verdicts(self) -> Iterator[TableVerdict]:
        """Every verdict of the night so far, by table."""
        for name in self._written("verdicts"):
            yield self.verdict(name).read()

    def stage(self, name: str) -> RunFile[StageRecord]:
        """The record of the stage."""
        return self._file(f"stages/{name}.json", name)

    def stages(self) -> list[RunFile[StageRecord]]:
        """The stages that have ended, in the order of their ends."""
        return sorted(map(self.stage, self._written("stages")), key=lambda file: ended_at(file.read()))

    def notes(self, table: str) -> RunFile[list[str]]:
        """Sentences that the table's job reports to people; most jobs report none."""
        return self._file(f"notes/{table}.json", BY_NAME[table].stage)

    def training(self, role: str = HEAVY) -> RunFile[Json]:
        """The report of the training of a role's model."""
        return self._file("train.json" if role == HEAVY else f"train.{role}.json", "train")

    @property
    def promotion(self) -> RunFile[Json]:
        """Which model scores the night, and how the new one compares with the one that served."""
        return self._file("promotion.json", "promote")

    @property
    def preflight(self) -> RunFile[Json]:
        """Counts of the night's data."""
        return self._file("preflight.json", "preflight")

    @property
    def late_files(self) -> RunFile[Json]:
        """Which partitions were built again, for which files."""
        return self._file("late_files.json", "features")

    @property
    def policy(self) -> RunFile[PolicyRecord]:
        """What policy removed from the candidates."""
        return self._file("policy.json", "candidates")

    @property
    def rerank(self) -> RunFile[RerankRecord]:
        """How well the pools mix."""
        return self._file("rerank.json", "rerank")

    @property
    def ads(self) -> RunFile[AdsRecord]:
        """What was advertised."""
        return self._file("ads.json", "rerank")

    @property
    def metrics(self) -> RunFile[Json]:
        """Metrics of the ranking."""
        return self._file("metrics.json", "evaluate")

    @property
    def audit(self) -> RunFile[AuditRecord]:
        """Whether the pools may be published."""
        return self._file("audit.json", "audit")

    @property
    def difference(self) -> RunFile[DifferenceRecord]:
        """How the new epoch differs from the live one."""
        return self._file("difference.json", "publish")

    @property
    def publish(self) -> RunFile[Json]:
        """Which epoch was published, and how."""
        return self._file("publish.json", "publish")

    @property
    def response(self) -> RunFile[Json]:
        """What simulated users did with the feeds of the day before."""
        return self._file("response.json", "simulate")

    @property
    def loop(self) -> RunFile[Json]:
        """One day of the loop, written when the day is done."""
        return self._file("loop.json", "loop")

    @property
    def report(self) -> str:
        """The location of the run report, a page."""
        return str(self.folder.place.below(REPORT))

    def write_report(self, page: str) -> None:
        """Write the run report."""
        self.folder.write(REPORT, page.encode())

    def _written(self, kind: str) -> list[str]:
        """Sorted names of the tables or stages with a JSON file of a kind."""
        names = self.folder.below(kind).files()
        return [name.removesuffix(".json") for name in names if name.endswith(".json") and "/" not in name]


def ended_at(record: StageRecord) -> float:
    """When a stage ended, in seconds since 1970."""
    return datetime.fromisoformat(record["started_at"]).timestamp() + record["seconds"]
