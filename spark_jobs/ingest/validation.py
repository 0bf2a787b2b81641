"""Apply ``line_rules`` to the lines of a night: which are events, and why the others are refused."""

from collections.abc import Iterable, Iterator
from functools import partial

import pyarrow as pa
from pyspark.sql import DataFrame

from spark_jobs.ingest.line_rules import judge, without_marks

_LINE = "source STRING, line BIGINT, raw STRING, landing_date DATE"
_VERDICT = (
    "event_id STRING, event_type STRING, event_time TIMESTAMP, received_at TIMESTAMP, reason STRING, detail STRING"
)


def validate(lines: DataFrame, late_days: int) -> DataFrame:
    """Lines with ``event_id``, ``event_type``, ``event_time``, ``received_at``, ``reason`` and ``detail``.

    Grain: one line of ``lines``, which has the columns of ``landing_files.read_lines``. ``reason`` is the first rule
    that the line breaks, in the order of docs/landing.md, and null on an acceptable line. ``received_at`` is never
    before ``event_time``.
    """
    landed = lines.select("source", "line", "raw", "landing_date")
    return landed.mapInArrow(partial(_judge_each, late_days=late_days), f"{_LINE}, {_VERDICT}")


def _judge_each(batches: Iterable[pa.RecordBatch], late_days: int) -> Iterator[pa.RecordBatch]:
    for batch in batches:
        lines = without_marks(batch)
        verdict = judge(lines, late_days)
        yield pa.record_batch([*lines.columns, *verdict.columns], names=[*lines.schema.names, *verdict.schema.names])
