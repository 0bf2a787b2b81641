"""The quick reading of plain lines against the full reading of every line: they never disagree."""

import json
from datetime import datetime

import numpy as np
import pyarrow as pa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pyspark.sql import SparkSession
from pyspark.sql import functions as F
from pyspark.sql.types import StringType

from contracts.landing import Field
from spark_jobs.ingest.plain_lines import PLAIN, PREFIX, TOLD, is_surely_within, read_plain
from spark_jobs.ingest.validation import validate
from tests.landed import as_read
from tests.landing_page import EXAMPLES

VALUES = st.one_of(
    st.sampled_from([None, True, 0, -1, 1001, 0.5, 2**31, 2**63 - 1, 2**63, 1.0, 1e300, float("nan"), float("inf")]),
    st.sampled_from(
        ["", "7", "NaN", "like", "public", "2026-03-08T12:00:00Z", "2026-02-30T00:00:00Z", "{", "a\u00e9\\"]
    ),
    st.sampled_from([[], [1], ["a"], [1, None], ["a", None], [1, 2.5], ["a", 1], [None], {}, {"a": 1}, [[1]]]),
)
ODD_TEXTS = (
    lambda line: line[:-1],
    lambda line: line + " ",
    lambda line: line + " x",
    lambda line: line + line,
    lambda line: f"[{line}]",
    lambda line: line.replace('"', "'"),
    lambda line: line.replace("event_type", "event\\u005ftype"),
    lambda line: line[:-1] + ', "event_id": "again"}',
    lambda line: line[:-1] + ', "mood": {"a": 1, "a": 2}}',
    lambda line: line.replace(": 1", ": 01"),
    lambda line: "\ufeff" + line,
    lambda line: line.replace("{", "{/* note */", 1),
    lambda line: line[:-1] + ', "moons": ' + "[" * 1500 + "]" * 1500 + "}",
    lambda line: line[:-1] + ', "moons": ' + "1" * 1500 + "}",
    lambda line: line[:-1] + ', "moons": 0.' + "1" * 1500 + "}",
    lambda line: line[:-1] + f', "{"moon" * 20_000}": 1' + "}",
)


@st.composite
def odd_lines(draw: st.DrawFn) -> str:
    example = dict(draw(st.sampled_from(EXAMPLES)))
    for name in draw(st.lists(st.sampled_from(sorted(example)), max_size=2)):
        if draw(st.booleans()):
            example[name] = draw(VALUES)
        else:
            example.pop(name, None)
    line = json.dumps(example, ensure_ascii=draw(st.booleans()))
    return draw(st.sampled_from(ODD_TEXTS))(line) if draw(st.integers(0, 3)) == 0 else line


@settings(max_examples=4, suppress_health_check=list(HealthCheck))
@given(lines=st.lists(odd_lines(), min_size=150, max_size=250))
def test_both_readings_agree_on_odd_lines(spark: SparkSession, lines: list[str]) -> None:
    frame = as_read(spark, lines)
    quick = validate(frame, 3).orderBy("line").collect()
    none_plain = frame.withColumns({field.name: F.lit(None).cast(field.dataType) for field in PLAIN})
    full = validate(none_plain, 3).orderBy("line").collect()
    assert [(one, other) for one, other in zip(quick, full, strict=True) if one != other] == []


def test_ordinary_lines_are_plain() -> None:
    told = read_plain(pa.array([json.dumps(example) for example in EXAMPLES]))
    assert told.to_pylist() == [
        {
            PREFIX + name: example[name] if kind == StringType() else datetime.fromisoformat(str(example[name]))
            for name, kind in TOLD.items()
        }
        for example in EXAMPLES
    ]


def test_times_may_be_finer_than_a_microsecond_and_name_no_zone() -> None:
    times = ["2026-03-08T09:00:00.123456789Z", "2026-03-08T09:00:00.5", "2026-03-08T09:00:00+01:30"]
    lines = [json.dumps(EXAMPLES[0] | {"event_time": time}) for time in times]
    told = read_plain(pa.array(lines)).column(PREFIX + "event_time").cast(pa.string()).to_pylist()
    assert told == ["2026-03-08 09:00:00.123456Z", "2026-03-08 09:00:00.500000Z", "2026-03-08 07:30:00.000000Z"]


def test_odd_lines_leave_their_neighbours_plain() -> None:
    ordinary = [json.dumps(example) for example in EXAMPLES]
    odd = ['{"event_id": "x}', '{"event_id": }', '{"event_id": "cut', "{} {}", '{"mood": 1, "mood": 2}', "{}", "[]"]
    mixed = [line for pair in zip(ordinary, odd * len(ordinary), strict=False) for line in pair]
    told = read_plain(pa.array(mixed)).column(0)
    assert [at for at, name in enumerate(told.to_pylist()) if name is not None] == list(range(0, len(mixed), 2))


def test_a_line_that_readers_do_not_survive_is_not_plain() -> None:
    """Nested twenty times deeper, Arrow's reader ends the process; of many fields, it fills the memory."""
    ordinary = json.dumps(EXAMPLES[0])
    fields = ", ".join(f'"moon_{at}": 1' for at in range(2000))
    odd = ['"moons": ' + "[" * 1500 + "]" * 1500, '"moons": ' + "1" * 1500, fields]
    told = read_plain(pa.array([ordinary, *(f"{ordinary[:-1]}, {more}}}" for more in odd), ordinary])).column(0)
    assert [name is not None for name in told.to_pylist()] == [True, False, False, False, True]


def test_a_text_within_its_length_in_bytes_is_surely_within_it_in_characters() -> None:
    name = Field("name", "string", longest=3)
    assert is_surely_within(pa.array(["abc", None, ""]), name) is True
    fits = is_surely_within(pa.array(["abc", "abcd", None, "\u00e9\u00e9"]), name)
    assert list(np.asarray(fits)) == [True, False, True, False]
