"""The quick reading of plain lines against the strict reading of every line: they never disagree."""

import json
from collections.abc import Sequence
from datetime import datetime

import numpy as np
import pyarrow as pa
from hypothesis import given, settings
from hypothesis import strategies as st

from contracts.landing import Field
from contracts.lines.event_line import read_line
from spark_jobs.ingest.line_rules import ENVELOPE_NAMES
from spark_jobs.ingest.odd_lines import field_column
from spark_jobs.ingest.plain_lines import FIELDS, is_surely_within, read_plain
from tests.landing_page import EXAMPLES
from tests.odd_lines import ODD_LINES, odd_lines

EVENT_TYPE = ENVELOPE_NAMES.index("event_type")


def disagreements(lines: Sequence[str]) -> list[str]:
    """Lines that the quick reading takes and the strict one refuses, or reads as something else."""
    names = list(FIELDS)
    quick = read_plain(pa.array(lines), names)
    strict = [read_line(line.encode()) for line in lines]
    is_plain = quick[names.index("event_type")].is_valid().to_pylist()
    slow = [field_column(strict, name) for name in names]
    values = zip(*(column.to_pylist() for column in (*quick, *slow)), strict=True)
    return [
        line
        for line, one, plain, row in zip(lines, strict, is_plain, values, strict=True)
        if plain and (one.problem is not None or row[: len(names)] != row[len(names) :])
    ]


@settings(max_examples=30)
@given(lines=st.lists(odd_lines(), min_size=20, max_size=60))
def test_both_readings_agree_on_odd_lines(lines: list[str]) -> None:
    assert disagreements(lines) == []


def test_both_readings_agree_on_every_odd_line_that_we_thought_of() -> None:
    assert disagreements(ODD_LINES) == []
    assert [line for line in ODD_LINES if disagreements([line])] == [], "one in a batch"


def test_ordinary_lines_are_plain() -> None:
    columns = read_plain(pa.array([json.dumps(example) for example in EXAMPLES]), ENVELOPE_NAMES)
    moments = ("event_time", "received_at")
    assert [column.to_pylist() for column in columns] == [
        [datetime.fromisoformat(str(example[name])) if name in moments else example[name] for example in EXAMPLES]
        for name in ENVELOPE_NAMES
    ]


def test_emoji_braces_and_words_in_texts_are_plain() -> None:
    texts = ["\U0001f600 \u00e9", "{[}", "NaN, Infinity", 'a "quote" \\ \t', "\u2028"]
    lines = [
        json.dumps(EXAMPLES[0] | {"name": text}, ensure_ascii=is_ascii) for text in texts for is_ascii in (True, False)
    ]
    [names] = read_plain(pa.array(lines), ["name"])
    assert names.to_pylist() == [text for text in texts for _ in range(2)]


def test_times_may_be_finer_than_a_microsecond_and_name_no_zone() -> None:
    times = ["2026-03-08T09:00:00.123456789Z", "2026-03-08T09:00:00.5", "2026-03-08T09:00:00+01:30"]
    lines = [json.dumps(EXAMPLES[0] | {"event_time": time}) for time in times]
    [read] = read_plain(pa.array(lines), ["event_time"])
    expected = ["2026-03-08 09:00:00.123456Z", "2026-03-08 09:00:00.500000Z", "2026-03-08 07:30:00.000000Z"]
    assert read.cast(pa.string()).to_pylist() == expected


def test_odd_lines_leave_their_neighbours_plain() -> None:
    ordinary = [json.dumps(example) for example in EXAMPLES]
    odd = ['{"event_id": "x}', '{"event_id": }', '{"event_id": "cut', "{} {}", '{"mood": 1, "mood": 2}', "{}", "[]"]
    mixed = [line for pair in zip(ordinary, odd * len(ordinary), strict=False) for line in pair]
    event_types = read_plain(pa.array(mixed), ENVELOPE_NAMES)[EVENT_TYPE]
    assert [at for at, name in enumerate(event_types.to_pylist()) if name is not None] == list(range(0, len(mixed), 2))


def test_a_line_that_readers_do_not_survive_is_not_plain() -> None:
    """Nested twenty times deeper, Arrow's reader ends the process; of many fields, it fills the memory."""
    ordinary = json.dumps(EXAMPLES[0])
    fields = ", ".join(f'"moon_{at}": 1' for at in range(2000))
    odd = ['"moons": ' + "[" * 1500 + "]" * 1500, '"moons": ' + "1" * 1500, fields]
    lines = [ordinary, *(f"{ordinary[:-1]}, {more}}}" for more in odd), ordinary]
    event_types = read_plain(pa.array(lines), ENVELOPE_NAMES)[EVENT_TYPE]
    assert [name is not None for name in event_types.to_pylist()] == [True, False, False, False, True]


def test_a_text_within_its_length_in_bytes_is_surely_within_it_in_characters() -> None:
    name = Field("name", "string", longest=3)
    assert is_surely_within(pa.array(["abc", None, ""]), name) is True
    fits = is_surely_within(pa.array(["abc", "abcd", None, "\u00e9\u00e9"]), name)
    assert list(np.asarray(fits)) == [True, False, True, False]
