"""All readers of a line agree on which lines are JSON and on their values, ours and those behind ingest."""

from collections import Counter
from typing import Any

import pyarrow as pa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from contracts.landing import EVENT_TYPES
from contracts.lines.event_line import read_line
from spark_jobs.clean.typed_events import typed_events
from spark_jobs.ingest.line_rules import ENVELOPE_NAMES, judge, without_marks
from spark_jobs.ingest.odd_lines import field_column
from spark_jobs.ingest.plain_lines import read_plain
from spark_jobs.ingest.validation import validate
from tests.landed import as_read, batch_of, naive
from tests.odd_lines import ODD_LINES, odd_lines

TIMES = {"event_time", "received_at"}


def by_spark(spark: SparkSession, lines: list[str]) -> DataFrame:
    return validate(as_read(spark, lines), late_days=3).persist()


def disagreements(spark: SparkSession, lines: list[str]) -> list[str]:
    """What ingest and ``validate_landing`` say of ``lines``, and what the clean stage reads of those they accept."""
    ingested, judged = by_spark(spark, lines).orderBy("line").collect(), _judged(lines)
    names = [*ENVELOPE_NAMES, "reason", "detail"]
    wrong = [
        f"ingest: {row} validator: {other}"
        for row, other in zip(ingested, judged, strict=True)
        if [_as_shown(row[name]) for name in names] != [_as_shown(other[name]) for name in names]
    ]
    return wrong + _read_otherwise(spark, lines)


def _judged(lines: list[str]) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = judge(without_marks(batch_of(lines)), late_days=3).to_pylist()
    return rows


def _as_shown(value: Any) -> Any:
    return naive(value.isoformat()) if hasattr(value, "tzinfo") and value.tzinfo else value


def _read_otherwise(spark: SparkSession, lines: list[str]) -> list[str]:
    """Accepted lines of which the clean stage reads other values than ingest did."""
    accepted = by_spark(spark, lines).where("reason IS NULL").withColumn("batch", F.lit(1))
    wrong = []
    for event_type, fields in EVENT_TYPES.items():
        some = typed_events(accepted, event_type)
        columns = [field.name for field in fields if field.name not in accepted.columns]
        for row in some.select("raw", *columns).collect():
            strict = read_line(row["raw"].encode())
            assert strict.problem is None
            values = {name: field_column([strict], name).to_pylist()[0] for name in columns}
            for name, value in values.items():
                kept = [one for one in value if one is not None] if isinstance(value, list) else _as_shown(value)
                if row[name] != kept:
                    wrong.append(f"clean reads {name}={row[name]!r}, ingest {value!r}: {row['raw'][:300]}")
    return wrong


def test_strict_json_both_readers_agree(spark: SparkSession) -> None:
    lines = list(dict.fromkeys(line for line in ODD_LINES if line.strip("\ufeff")))
    assert len(lines) >= 200
    assert disagreements(spark, lines) == []
    reasons = Counter(row["reason"] or "accepted" for row in _judged(lines))
    is_plain = read_plain(pa.array(lines), ["event_type"])[0].is_valid()
    print(f"\n{len(lines)} odd lines, of which the quick reader takes {sum(is_plain.to_pylist())}")
    for reason, count in reasons.most_common():
        print(f"  {count:4}  {reason}")
    assert reasons["accepted"] > 20
    assert set(reasons) >= {"malformed_json", "beyond_limits", "duplicate_key", "lone_surrogate", "wrong_type"}


@settings(max_examples=2, suppress_health_check=list(HealthCheck))
@given(lines=st.lists(odd_lines(), min_size=150, max_size=250))
def test_strict_json_both_readers_agree_on_drawn_lines(spark: SparkSession, lines: list[str]) -> None:
    assert disagreements(spark, lines) == []
