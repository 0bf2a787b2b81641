"""Measure and read landing files with Spark.

Tasks are few and of about equal size: a task reads one large file or many small ones, one after another.
"""

import gzip
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict
from heapq import heapreplace
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
from pyspark.sql import DataFrame, SparkSession

from spark_jobs.ingest.file_reads import Measured, Reading, is_gzip, measure
from spark_jobs.ingest.landing_area import LandingFile, open_bytes
from spark_jobs.rules.user_batches import at_least

LINES_PER_BATCH = 16_384
BYTES_PER_TASK = 32 * 2**20
_FILE = (
    "struct<source: string, path: string, landing_date: date, num_bytes: bigint, modified_us: bigint, "
    "start: bigint, first_line: bigint, last_line: bigint>"
)
_READING = "struct<num_bytes: bigint, num_lines: bigint, checksum: string, is_open: boolean>"
_MEASURED = f"source string, reading {_READING}, reason string, problem string"
_LINES = "source STRING, line BIGINT, raw STRING, landing_date DATE"
_AS_TEXT = pc.CastOptions(pa.string(), allow_invalid_utf8=True)


def measure_files(
    spark: SparkSession, files: Sequence[LandingFile], known: Mapping[str, Reading]
) -> list[tuple[LandingFile, Measured]]:
    """How far each of ``files`` can be read; ``known`` has earlier readings by source.

    If one task would do, the files are measured in this process: starting a task takes longer.
    """
    if sum(file.num_bytes for file in files) <= BYTES_PER_TASK:
        return [(file, measure(file, known.get(file.source, Reading()))) for file in files]
    files_by_task = _in_tasks(spark, files, known)
    rows = files_by_task.mapInArrow(_measure_batches, _MEASURED).collect()
    measured = {row.source: Measured(Reading(**row.reading.asDict()), row.reason, row.problem) for row in rows}
    return [(file, measured[file.source]) for file in files]


def _measure_batches(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    for file, known in _files_in(batches):
        row = {"source": file.source, **asdict(measure(file, known))}
        yield pa.RecordBatch.from_pylist([row], schema=_arrow_schema())


def _arrow_schema() -> pa.Schema:
    """The schema of ``_MEASURED``; Arrow would not infer text from nulls."""
    reading = [("num_bytes", pa.int64()), ("num_lines", pa.int64()), ("checksum", pa.string()), ("is_open", pa.bool_())]
    texts = [("reason", pa.string()), ("problem", pa.string())]
    return pa.schema([("source", pa.string()), ("reading", pa.struct(reading)), *texts])


def read_lines(spark: SparkSession, files: Sequence[LandingFile]) -> DataFrame:
    """Non-blank lines of ``files``, whole files or parts; gzip is unpacked.

    Grain: source and 1-based line; columns source, line, raw, landing_date. One task reads a file as a whole, so
    producers should keep files below a few hundred megabytes.
    """
    return _in_tasks(spark, files, {}).mapInArrow(_read_batches, _LINES)


def _in_tasks(spark: SparkSession, files: Sequence[LandingFile], known: Mapping[str, Reading]) -> DataFrame:
    """One row and partition per task, with the array ``files`` that ``_files_in`` reads."""
    tasks = [
        ([{"file": asdict(file), "known": asdict(known.get(file.source, Reading()))} for file in some],)
        for some in shared(files, spark.sparkContext.defaultParallelism)
    ]
    rows = spark.sparkContext.parallelize(tasks, max(len(tasks), 1))
    return spark.createDataFrame(rows, f"files array<struct<file: {_FILE}, known: {_READING}>>")


def shared(files: Sequence[LandingFile], cores: int) -> list[list[LandingFile]]:
    """``files`` in shares of about equal size: at most ``BYTES_PER_TASK`` if possible, at least one share per core.

    The files of a share are consecutive by ``source``.
    """
    total = sum(file.num_bytes - file.start for file in files)
    num_tasks = min(len(files), max(cores, -(-total // BYTES_PER_TASK)))
    shares: list[list[LandingFile]] = [[] for _ in range(num_tasks)]
    sizes = [(0, at) for at in range(num_tasks)]
    for file in sorted(files, key=lambda file: (file.start - file.num_bytes, file.source)):
        size, at = sizes[0]
        heapreplace(sizes, (size + file.num_bytes - file.start, at))
        shares[at].append(file)
    return [sorted(share, key=lambda file: file.source) for share in shares if share]


def _files_in(batches: Iterable[pa.RecordBatch]) -> Iterator[tuple[LandingFile, Reading]]:
    for batch in batches:
        for files in batch.column("files"):
            for one in files:
                task: dict[str, Any] = one.as_py()
                yield LandingFile(**task["file"]), Reading(**task["known"])


def _read_batches(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    return at_least((lines for file, _ in _files_in(batches) for lines in read_file(file)), LINES_PER_BATCH)


def read_file(file: LandingFile) -> Iterator[pa.RecordBatch]:
    """The non-blank lines of a file or a part; bytes that are not UTF-8 stay as they are."""
    with open_bytes(file.path) as opened:
        opened.seek(file.start)
        content = opened.read(file.num_bytes - file.start)
    if is_gzip(file.source):
        content = gzip.decompress(content)
    raw = pc.split_pattern(pa.array([content], pa.binary()), b"\n").flatten()
    if pc.any(pc.ends_with(raw, b"\r")).as_py():
        raw = pc.replace_substring_regex(raw, rb"\r+$", b"")
    begins_blank = pc.or_(pc.starts_with(raw, b" "), pc.starts_with(raw, b"\t"))
    is_line = pc.greater(pc.binary_length(raw), 0)
    if pc.any(begins_blank).as_py():
        is_line = pc.and_(is_line, pc.invert(pc.match_substring_regex(raw, rb"^[ \t]+$")))
    # A gzip file is unpacked from its beginning, so its lines count from 1.
    line = pc.add(pc.indices_nonzero(is_line).cast(pa.int64()), 1 if is_gzip(file.source) else file.first_line)
    texts = raw.filter(is_line)
    if file.last_line is not None:
        is_new = pc.and_(pc.greater_equal(line, file.first_line), pc.less_equal(line, file.last_line))
        line, texts = line.filter(is_new), texts.filter(is_new)
    for start in range(0, len(line), LINES_PER_BATCH):
        some = line.slice(start, LINES_PER_BATCH)
        text = pc.cast(texts.slice(start, LINES_PER_BATCH), options=_AS_TEXT)
        source = pa.repeat(pa.scalar(file.source, pa.string()), len(some))
        landing_date = pa.repeat(pa.scalar(file.landing_date, pa.date32()), len(some))
        yield pa.record_batch([source, some, text, landing_date], names=["source", "line", "raw", "landing_date"])
