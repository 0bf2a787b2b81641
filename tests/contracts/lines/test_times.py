"""Times of single lines equal those of columns."""

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts.lines.times import PATTERN, is_time, micros_of
from spark_jobs.ingest.times import moments
from tests.odd_lines import TIMES


@pytest.mark.parametrize("text", [text for text in TIMES if is_time(text)])
def test_an_odd_time_is_the_same_instant_in_a_column(text: str) -> None:
    assert moments(pa.array([text])).cast(pa.int64()).to_pylist() == [micros_of(text)]


@given(st.from_regex(rf"\A{PATTERN}\Z").filter(is_time))
def test_a_drawn_time_is_the_same_instant_in_a_column(text: str) -> None:
    assert moments(pa.array([text])).cast(pa.int64()).to_pylist() == [micros_of(text)]
