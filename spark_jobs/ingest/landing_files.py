"""The landing area's files: which of them are new, and their lines."""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date

import pyarrow as pa
import pyarrow.compute as pc
from pyspark.errors import AnalysisException
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F
from pyspark.sql.types import StructType

from spark_jobs.ingest.plain_lines import PLAIN, tell_plain
from spark_jobs.night import Night

LINES_PER_BATCH = 16_384
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
    num_bytes: int


def list_files(spark: SparkSession, landing: str, ds: date) -> list[LandingFile]:
    """Files of the folders dated up to ``ds``, in order of ``source``; an area that does not exist has none.

    Empty files and names that start with ``_`` or ``.`` do not count. A folder name that is no date, or a file name
    that Spark would read as a pattern, raises ``LandingError``.
    """
    pattern = f"{landing.rstrip('/')}/{_DAY_FOLDERS}/*.{{jsonl,jsonl.gz}}"
    try:
        listing = spark.read.format("binaryFile").load(pattern).where("length > 0").select("path", "length")
        found = [(row["path"], row["length"]) for row in listing.collect()]
    except AnalysisException as error:
        if error.getCondition() != "PATH_NOT_FOUND":
            raise
        return []
    files = [_landing_file(landing, *file) for file in found if not file[0].rsplit("/", 1)[-1].startswith(("_", "."))]
    return sorted((file for file in files if file.landing_date <= ds), key=lambda file: file.source)


def _landing_file(landing: str, path: str, num_bytes: int) -> LandingFile:
    match = _SOURCE.search(path)
    if match is None or not _PLAIN_NAME.fullmatch(match[2]):
        raise LandingError(f"{landing}: rename {path}: a file name may hold letters, digits and . = + _ - only")
    try:
        return LandingFile(match[0], path, date.fromisoformat(match[1]), num_bytes)
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
    """Non-blank lines of ``files`` and what ``plain_lines`` tells of them; gzip is unpacked.

    Grain: source and 1-based line; columns source, line, raw, landing_date and those of ``PLAIN``. One task reads a
    file as a whole, so producers should keep files below a few hundred megabytes.
    """
    whole = spark.read.text([file.path for file in files], wholetext=True)
    # File names are plain (see list_files), so the end of the URL that Spark reports is the source as it stands.
    source = F.regexp_extract(F.col("_metadata.file_path"), r"([^/]+/[^/]+)$", 1)
    named = whole.select(source.alias("source"), "value").withColumn(
        "landing_date", F.to_date(F.substring("source", 1, 10))
    )
    lines = "source STRING, line BIGINT, raw STRING, landing_date DATE"
    return named.mapInArrow(_read_files, StructType([*StructType.fromDDL(lines).fields, *PLAIN]))  # type: ignore[attr-defined]


def _read_files(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    for batch in batches:
        for at in range(batch.num_rows):
            yield from tell_plain(_lines_of(batch.slice(at, 1)))


def _lines_of(file: pa.RecordBatch) -> Iterator[pa.RecordBatch]:
    """The non-blank lines of one file (source, landing_date, value); bytes, as a file need not be UTF-8."""
    raw = pc.split_pattern(file.column("value").cast(pa.binary()), b"\n").flatten()
    if pc.any(pc.ends_with(raw, b"\r")).as_py():
        raw = pc.replace_substring_regex(raw, rb"\r+$", b"")
    begins_blank = pc.or_(pc.starts_with(raw, b" "), pc.starts_with(raw, b"\t"))
    is_line = pc.greater(pc.binary_length(raw), 0)
    if pc.any(begins_blank).as_py():
        is_line = pc.and_(is_line, pc.invert(pc.match_substring_regex(raw, rb"^[ \t]+$")))
    line = pc.add(pc.indices_nonzero(is_line), 1).cast(pa.int64())
    texts = pc.cast(raw.filter(is_line), options=pc.CastOptions(pa.string(), allow_invalid_utf8=True))
    for start in range(0, len(line), LINES_PER_BATCH):
        some = line.slice(start, LINES_PER_BATCH)
        source, landing_date = (pa.repeat(file.column(name)[0], len(some)) for name in ("source", "landing_date"))
        columns = [source, some, texts.slice(start, LINES_PER_BATCH), landing_date]
        yield pa.record_batch(columns, names=["source", "line", "raw", "landing_date"])
