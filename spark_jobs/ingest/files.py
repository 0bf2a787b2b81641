"""bronze.files: every file of the landing area, what was read of it, or why it is not read; grain: source.

A file is recognised by the length and checksum of what was read. If its size and modification time are unchanged, it
is not opened again. The job ``events`` in this folder writes this table after bronze.events; until then the lines are
news, and lines that are already in bronze are not taken twice. The table is read into Python: it has one row per file,
so a million files take some hundred megabytes.
"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from datetime import date

from pyspark.sql import functions as F

from spark_jobs.ingest.file_reads import Measured, Reading, part_to_read
from spark_jobs.ingest.landing_area import LandingError, LandingFile, RefusedFile, list_files
from spark_jobs.ingest.landing_files import measure_files
from spark_jobs.night.ddl import read_schema
from spark_jobs.night.landing_reads import newest_arrival
from spark_jobs.night.night import Night
from spark_jobs.night.writers import delete_by_key, merge_by_key

TABLE = "bronze.files"


@dataclass(frozen=True)
class FileRow:
    """One row of the table, with its columns in order."""

    source: str
    landing_date: date | None
    listed_bytes: int
    modified_us: int
    num_bytes: int
    num_lines: int
    checksum: str
    is_open: bool
    batch: int | None = None
    reason: str | None = None
    problem: str | None = None

    @property
    def reading(self) -> Reading:
        """What was read of the file."""
        return Reading(self.num_bytes, self.num_lines, self.checksum, self.is_open)


@dataclass(frozen=True)
class News:
    """News of the landing area: the parts of files to read as ``batch``, and the changes to the table.

    ``rows`` are new or changed. Rows of ``gone`` are deleted: such a file was refused, and no longer exists.
    """

    batch: int
    parts: list[LandingFile]
    rows: list[FileRow]
    gone: list[str]


def find_news(night: Night) -> News:
    """The part of the landing area up to the night's day that was not read yet.

    Raises ``LandingError`` if nothing has ever landed.
    """
    files, refused = list_files(night.landing, night.ds)
    known = {row.source: FileRow(**row.asDict()) for row in night.read(TABLE).collect()}
    if not files and not any(row.batch for row in known.values()):
        problems = "".join(f"; {file.source} {file.problem}" for file in refused)
        raise LandingError(
            f"nothing has landed in {night.landing} up to {night.ds}: put event files at "
            f"{night.landing.rstrip('/')}/<YYYY-MM-DD>/<name>.jsonl, as docs/landing.md describes{problems}"
        )
    opened = [file for file in files if not _is_as_it_was(file, known.get(file.source))]
    measured = measure_files(night.spark, opened, {source: row.reading for source, row in known.items()})
    # A read that clean has processed is over, even if the job was killed before it was recorded here.
    last = max((row.batch or 0 for row in known.values()), default=0)
    batch = max(last, newest_arrival(night)) + 1
    return compare(known, files, refused, measured, batch=batch, ds=night.ds)


def unread_since(night: Night) -> list[LandingFile]:
    """What landed since the night read the area: all files of later days, and what ingest has not read of other files.

    A later night may have read the later days by now; what it read of other files is left out.
    """
    rows = night.read(TABLE).where(F.col("landing_date") <= F.lit(night.ds)).collect()
    known = {row.source: FileRow(**row.asDict()) for row in rows}
    files = [file for file in list_files(night.landing)[0] if not _is_as_it_was(file, known.get(file.source))]
    readings = {source: row.reading for source, row in known.items()}
    parts = (
        part_to_read(file, readings.get(file.source, Reading()), measured.reading)
        for file, measured in measure_files(night.spark, files, readings)
    )
    return [part for part in parts if part is not None]


def compare(
    known: dict[str, FileRow],
    files: Sequence[LandingFile],
    refused: Sequence[RefusedFile],
    measured: Sequence[tuple[LandingFile, Measured]],
    *,
    batch: int,
    ds: date,
) -> News:
    """The news of an area with ``files`` and ``refused``, as read ``batch``; ``known`` is the table by source."""
    rows, parts = {}, []
    for file, measurement in measured:
        row = known.get(file.source)
        part = part_to_read(file, row.reading if row else Reading(), measurement.reading)
        if part is not None:
            parts.append(part)
        rows[file.source] = FileRow(
            file.source,
            file.landing_date,
            file.num_bytes,
            file.modified_us,
            **asdict(measurement.reading),
            batch=batch if part is not None else row.batch if row else None,
            reason=measurement.reason,
            problem=measurement.problem,
        )
    for other in refused:
        row = known.get(other.source) or FileRow(other.source, other.landing_date, 0, 0, **asdict(Reading()))
        # Size and time 0 make the next night check the file again, in case it becomes readable.
        rows[other.source] = replace(row, listed_bytes=0, modified_us=0, reason=other.reason, problem=other.problem)
    there = {file.source for file in files} | rows.keys()
    cleared = [row for row in known.values() if row.reason and row.source not in there and _is_due(row, ds)]
    rows |= {row.source: replace(row, reason=None, problem=None) for row in cleared if row.batch is not None}
    changed = [row for row in rows.values() if row != known.get(row.source)]
    return News(batch, parts, changed, [row.source for row in cleared if row.batch is None])


def _is_as_it_was(file: LandingFile, row: FileRow | None) -> bool:
    return row is not None and (row.listed_bytes, row.modified_us) == (file.num_bytes, file.modified_us)


def _is_due(row: FileRow, ds: date) -> bool:
    return row.landing_date is None or row.landing_date <= ds


def record(night: Night, news: News) -> None:
    """Record what was read and refused, and report what was refused."""
    for row in news.rows:
        if row.problem is not None:
            print(f"{TABLE}: {row.source} {row.problem}")
    if news.rows:
        frame = night.spark.createDataFrame([asdict(row) for row in news.rows], read_schema(TABLE))
        merge_by_key(night.lake, TABLE, frame, update_when="true")
    if news.gone:
        deleted = night.spark.createDataFrame([(source,) for source in news.gone], "source string")
        delete_by_key(night.lake, TABLE, deleted)


def main(night: Night) -> None:
    """Create the table, so that its gate can run if nothing landed; ``events`` writes it."""
    night.lake.create(TABLE)
