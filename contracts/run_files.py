"""The files that a night leaves in its folder, ``<runs>/<ds>``: their names and who writes them.

Only this module names, writes and reads them; ``run_records`` says what they hold. A file is written whole or not at
all, on a disk and on S3.
"""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from typing import Any, Generic, TypeVar

from contracts.folders import Folder, as_folder
from contracts.pipeline import BY_NAME
from contracts.places import Location, Place
from contracts.run_records import (
    AdsRecord,
    AuditRecord,
    DifferenceRecord,
    Json,
    PolicyRecord,
    RerankRecord,
    StageRecord,
    TableVerdict,
    ended_at,
)
from contracts.settings.models import HEAVY

T = TypeVar("T")

REPORT = "report.html"
_DAY = re.compile(r"\d{4}-\d{2}-\d{2}")


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

    def read_report(self) -> str:
        """The run report; ``FileNotFoundError`` if it was not written."""
        return self.folder.read(REPORT).decode()

    def _written(self, kind: str) -> list[str]:
        """Sorted names of the tables or stages with a JSON file of a kind."""
        names = self.folder.below(kind).files()
        return [name.removesuffix(".json") for name in names if name.endswith(".json") and "/" not in name]


def nights(runs: Folder | Location) -> Iterator[RunFiles]:
    """The files of every night under ``runs``, oldest first."""
    folder = as_folder(runs)
    for name in folder.folders():
        if _DAY.fullmatch(name):
            yield RunFiles.of(folder, name)


def night_of_report(report: str) -> Place:
    """The folder of the night whose run report is at ``report``."""
    place = Place.parse(report)
    return Place(place.scheme, place.path.removesuffix(f"/{REPORT}"))
