"""One night, as its jobs share it: the date, the lake, the settings, and the location of verdicts and timings."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from contracts.pipeline.table import Report, Table
from contracts.places import Location, Place
from contracts.run_files import RunFiles
from contracts.settings import Settings
from contracts.settings.hashes import settings_hash
from contracts.settings.load import load
from spark_jobs.night.lake import Lake
from spark_jobs.night.session import reach_s3
from storage import open_folder


@dataclass(frozen=True)
class Night:
    """One run for the day ``ds``. ``runs`` is the location for verdicts, timings, metrics and the report."""

    lake: Lake
    ds: date
    landing: str
    runs: Location
    settings: Settings
    redis_url: str = "redis://127.0.0.1:6379/0"

    def __post_init__(self) -> None:
        """Configure S3 in the session if the landing area is on S3."""
        if self.landing and Place.parse(self.landing).is_s3:
            reach_s3(self.lake.spark)

    @property
    def spark(self) -> SparkSession:
        """The lake's session."""
        return self.lake.spark

    @property
    def as_of(self) -> datetime:
        """Midnight UTC at the end of ``ds``; the night uses nothing that happened or arrived at or after it."""
        return datetime.combine(self.ds + timedelta(days=1), datetime.min.time(), UTC)

    @property
    def settings_hash(self) -> str:
        """The hash of its settings."""
        return settings_hash(self.settings)

    @property
    def files(self) -> RunFiles:
        """The files in this night's folder under ``runs``."""
        return RunFiles.of(open_folder(self.runs), self.ds)

    @property
    def folder(self) -> Path:
        """The folder of ``files`` on a disk; raises ``PlaceError`` if it is on S3."""
        return self.files.folder.place.local

    def of(self, output: Table | Report) -> "Night":
        """The same night for the job of ``output``, which may read only the tables that it declares."""
        return replace(self, lake=replace(self.lake, building=output))

    def read(self, name: str) -> DataFrame:
        """Shorthand for ``lake.read``."""
        return self.lake.read(name)

    def read_tonight(self, name: str) -> DataFrame:
        """The partition of ``ds``."""
        return self.read(name).where(F.col("ds") == F.lit(self.ds))

    def add_notes(self, table: str, sentences: Sequence[str]) -> None:
        """Add notes on how a table was built to the output and the run report.

        A rerun replaces the notes of an earlier run, even if it has none.
        """
        for sentence in sentences:
            print(f"{table}: {sentence}")
        self.files.notes(table).write(list(sentences))


def load_settings(landing: str) -> Settings:
    """Default settings with the landing area's ``dataset.json`` applied, if there is one."""
    return load(open_folder(landing)).settings


def newest_day(landing: str) -> date:
    """The newest day folder of a landing area: the last night that can be run on it.

    Raises ``FileNotFoundError`` if there is none.
    """
    days = [name for name in open_folder(landing).folders() if re.fullmatch(r"\d{4}-\d{2}-\d{2}", name)]
    if not days:
        raise FileNotFoundError(f"{landing}: no folder named YYYY-MM-DD")
    return date.fromisoformat(max(days))
