"""The files that a night leaves in its folder, ``<runs>/<ds>``: their names, who writes them, what they hold.

Only this module names, writes and reads them. A file is written whole or not at all.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any, Generic, TypedDict, TypeVar

from contracts.pipeline import BY_NAME
from contracts.settings.models import HEAVY

T = TypeVar("T")
Json = dict[str, Any]


class RuleResult(TypedDict):
    """What one rule of a gate found: ``unexpected_count`` rows of ``element_count`` broke it."""

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
    """How long a stage took and what it took; ``started_at`` in ISO 8601."""

    stage: str
    started_at: str
    seconds: float
    startup_seconds: float
    peak_rss_mb: float
    tables: dict[str, TableTiming]


class AuditRecord(TypedDict):
    """The audit of a night's pools, in version ``ranked_version`` of gold.ranked_feeds."""

    ds: str
    passed: bool
    ranked_version: int
    checks: list[Json]


class PolicyRecord(TypedDict):
    """What policy kept out of a night's candidates: by rule of ``contracts.policy``, ``removed`` of ``proposals``.

    A proposal is one source's, of a post for a user, and stands where the source's limit would have reached it; one
    that breaks two rules counts for both. ``asked`` users ask for a rule, ``flagged`` posts could break it.
    """

    ds: str
    proposals: int
    removed: dict[str, int]
    flagged: dict[str, int]
    asked: dict[str, int]


class RerankRecord(TypedDict):
    """How a night's pools came about: ``places`` in all, those of them that break each rule in force, by its name.

    A rule is broken where the user's candidates leave no choice. ``explored`` places were drawn for.
    """

    ds: str
    places: int
    broken: dict[str, int]
    explored: int


def write_whole(path: Path, text: str) -> None:
    """Replace a text file, in a folder that is made where there is none, so that readers see all of it or none."""
    path.parent.mkdir(parents=True, exist_ok=True)
    scratch = path.with_name(f".{path.name}.tmp")
    scratch.write_text(text)
    scratch.replace(path)


@dataclass(frozen=True)
class RunFile(Generic[T]):
    """One file, which ``stage`` writes."""

    path: Path
    stage: str

    def exists(self) -> bool:
        """Whether it has been written."""
        return self.path.exists()

    def read(self) -> T:
        """What it holds; ``FileNotFoundError`` where it was not written, ``ValueError`` where it is no JSON."""
        found: T = json.loads(self.path.read_text())
        return found

    def write(self, value: T) -> None:
        """Replace the file so that readers see all of it or none; NaN and infinity, which are no JSON, are refused."""
        write_whole(self.path, json.dumps(value, indent=1, default=str, allow_nan=False) + "\n")

    def remove(self) -> None:
        """Remove the file, if there is one."""
        self.path.unlink(missing_ok=True)


@dataclass(frozen=True)
class RunFiles:
    """The files of the night whose folder is ``folder``."""

    folder: Path

    @classmethod
    def of(cls, runs: Path, ds: date | str) -> "RunFiles":
        """Those of the night of ``ds`` under ``runs``."""
        return cls(runs / str(ds))

    def verdict(self, table: str) -> RunFile[TableVerdict]:
        """The verdict of the gate of ``layer.table``."""
        return RunFile(self.folder / "verdicts" / f"{table}.json", BY_NAME[table].stage)

    def verdicts(self) -> Iterator[TableVerdict]:
        """Every verdict of the night so far, by table."""
        for path in sorted((self.folder / "verdicts").glob("*.json")):
            yield self.verdict(path.stem).read()

    def stage(self, name: str) -> RunFile[StageRecord]:
        """How the stage went."""
        return RunFile(self.folder / "stages" / f"{name}.json", name)

    def stages(self) -> list[RunFile[StageRecord]]:
        """The stages that have ended, in the order in which they did."""
        paths = sorted((self.folder / "stages").glob("*.json"), key=lambda path: path.stat().st_mtime)
        return [self.stage(path.stem) for path in paths]

    def notes(self, table: str) -> RunFile[list[str]]:
        """Sentences that the table's job told people; most tell nothing."""
        return RunFile(self.folder / "notes" / f"{table}.json", BY_NAME[table].stage)

    def training(self, role: str = HEAVY) -> RunFile[Json]:
        """What the training of a role's model said."""
        return RunFile(self.folder / ("train.json" if role == HEAVY else f"train.{role}.json"), "train")

    @property
    def promotion(self) -> RunFile[Json]:
        """Which model scores the night, and how the new one compares with the one that served."""
        return RunFile(self.folder / "promotion.json", "promote")

    @property
    def preflight(self) -> RunFile[Json]:
        """What the night had to work with."""
        return RunFile(self.folder / "preflight.json", "preflight")

    @property
    def late_files(self) -> RunFile[Json]:
        """Which partitions were built again, for which files."""
        return RunFile(self.folder / "late_files.json", "features")

    @property
    def policy(self) -> RunFile[PolicyRecord]:
        """What policy kept out of the candidates."""
        return RunFile(self.folder / "policy.json", "candidates")

    @property
    def rerank(self) -> RunFile[RerankRecord]:
        """How well the pools mix."""
        return RunFile(self.folder / "rerank.json", "rerank")

    @property
    def metrics(self) -> RunFile[Json]:
        """How good the ranking is."""
        return RunFile(self.folder / "metrics.json", "evaluate")

    @property
    def audit(self) -> RunFile[AuditRecord]:
        """Whether the pools may be published."""
        return RunFile(self.folder / "audit.json", "audit")

    @property
    def publish(self) -> RunFile[Json]:
        """Which epoch was published, and how."""
        return RunFile(self.folder / "publish.json", "publish")

    @property
    def response(self) -> RunFile[Json]:
        """What simulated users did with the feeds of the day before."""
        return RunFile(self.folder / "response.json", "simulate")

    @property
    def loop(self) -> RunFile[Json]:
        """One day of the loop, written when the day is done."""
        return RunFile(self.folder / "loop.json", "loop")

    @property
    def report(self) -> Path:
        """The run report, a page."""
        return self.folder / "report.html"
