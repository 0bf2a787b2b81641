"""The landing area's files: which of them are new, and their lines."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from pyspark.errors import AnalysisException
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from spark_jobs.night import Night

_DAY_FOLDERS = "[0-9][0-9][0-9][0-9]-[0-9][0-9]-[0-9][0-9]"
_SOURCE = re.compile(r"(\d{4}-\d{2}-\d{2})/([^/]+)$")
_PLAIN_NAME = re.compile(r"[A-Za-z0-9.=+_-]+")


class LandingError(ValueError):
    """The landing area cannot be read as one; the message names the folder and what to do."""


@dataclass(frozen=True)
class LandingFile:
    """One landing file. ``source`` is its path relative to the landing root, ``<YYYY-MM-DD>/<name>``."""

    source: str
    path: str
    landing_date: date


def list_files(spark: SparkSession, landing: str, ds: date) -> list[LandingFile]:
    """Files of the folders dated up to ``ds``, in order of ``source``; an area that does not exist has none.

    Empty files and names that start with ``_`` or ``.`` do not count. A folder name that is no date, or a file name
    that Spark would read as a pattern, raises ``LandingError``.
    """
    pattern = f"{landing.rstrip('/')}/{_DAY_FOLDERS}/*.{{jsonl,jsonl.gz}}"
    try:
        listing = spark.read.format("binaryFile").load(pattern).where("length > 0").select("path")
        paths = [row["path"] for row in listing.collect()]
    except AnalysisException as error:
        if error.getCondition() != "PATH_NOT_FOUND":
            raise
        return []
    files = [_landing_file(landing, path) for path in paths if not path.rsplit("/", 1)[-1].startswith(("_", "."))]
    return sorted((file for file in files if file.landing_date <= ds), key=lambda file: file.source)


def _landing_file(landing: str, path: str) -> LandingFile:
    match = _SOURCE.search(path)
    if match is None or not _PLAIN_NAME.fullmatch(match[2]):
        raise LandingError(f"{landing}: rename {path}: a file name may hold letters, digits and . = + _ - only")
    try:
        return LandingFile(match[0], path, date.fromisoformat(match[1]))
    except ValueError as error:
        raise LandingError(f"{landing}: the folder {match[1]} is no calendar day; rename or remove it") from error


def new_files(night: Night) -> list[LandingFile]:
    """Files that landed up to the night and are not in bronze; a file is in once its accepted lines are.

    Accepted lines of all new files are appended in one commit, after the refused ones, so a file of which bronze
    holds refused lines alone belongs to a run that was killed, or has no acceptable line: reading it again changes
    nothing. An area in which nothing has ever landed raises ``LandingError``.
    """
    files = list_files(night.spark, night.landing, night.ds)
    ingested = {row["source"] for row in night.read("bronze.events").select("source").distinct().collect()}
    if not files and not ingested:
        raise LandingError(
            f"nothing has landed in {night.landing} up to {night.ds}: put event files at "
            f"{night.landing.rstrip('/')}/<YYYY-MM-DD>/<name>.jsonl, as docs/landing.md describes"
        )
    return [file for file in files if file.source not in ingested]


def read_lines(spark: SparkSession, files: Sequence[LandingFile]) -> DataFrame:
    """Grain: one non-blank line of ``files``; keys ``source`` and 1-based ``line``. Gzip is unpacked.

    One task reads a file as a whole, so producers should keep files below a few hundred megabytes.
    """
    whole = spark.read.text([file.path for file in files], wholetext=True)
    # File names are plain (see list_files), so the end of the URL that Spark reports is the source as it stands.
    source = F.regexp_extract(F.col("_metadata.file_path"), r"([^/]+/[^/]+)$", 1)
    lines = whole.select(source.alias("source"), F.posexplode(F.split("value", "\n")).alias("position", "text"))
    return lines.select(
        "source",
        (F.col("position") + 1).cast("bigint").alias("line"),
        F.rtrim(F.col("text"), F.lit("\r")).alias("raw"),
        F.to_date(F.substring("source", 1, 10)).alias("landing_date"),
    ).where(F.trim(F.col("raw"), F.lit(" \t")) != "")
