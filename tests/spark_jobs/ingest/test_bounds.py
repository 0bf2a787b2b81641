"""Every bound of the landing contract: values up to it are accepted, values beyond are refused, by both readers."""

import json
from typing import Any

import pyarrow as pa
from hypothesis import given, settings
from hypothesis import strategies as st

from contracts.landing import Field
from spark_jobs.ingest.line_rules import judge
from spark_jobs.ingest.plain_lines import read_plain
from tests.field_edges import BOUNDED, inside, is_within, outside
from tests.landed import batch_of
from tests.landing_page import EXAMPLES

EXAMPLE_OF = {event["event_type"]: event for event in EXAMPLES}


def line(event_type: str, field: Field, value: Any) -> str:
    return json.dumps(EXAMPLE_OF[event_type] | {field.name: value})


def refusals(lines: list[str]) -> list[tuple[str | None, str | None]]:
    return [(row["reason"], row["detail"]) for row in judge(batch_of(lines), 3).to_pylist()]


def test_every_bound_refuses_what_is_just_beyond_it_and_nothing_before() -> None:
    assert {field.name for _, field in BOUNDED} >= {"position", "propensity", "birth_year", "text", "dwell_ms"}
    kept = [line(kind, field, value) for kind, field in BOUNDED for value in inside(field)]
    beyond = [(kind, field, value) for kind, field in BOUNDED for value in outside(field)]
    refused = [line(*case) for case in beyond]
    assert [told for told in refusals(kept) if told != (None, None)] == []
    for (_, field, value), (reason, detail) in zip(beyond, refusals(refused), strict=True):
        shown = f"{field.name} of {len(value)} characters" if isinstance(value, str) else f"{field.name}="
        assert (reason, detail and detail.startswith(shown)) == ("value_out_of_range", True), (field, value, detail)
        assert detail is not None
        assert detail.endswith(f", must be {field.bounds}")
    assert read_plain(pa.array(refused), ["event_type"])[0].null_count == len(refused), (
        "the quick reading takes none of them"
    )
    short = [text for text in kept if len(text) < 1000]
    assert read_plain(pa.array(short), ["event_type"])[0].null_count == 0, "and leaves none to the full reading"


NUMBERS = [(kind, field) for kind, field in BOUNDED if field.longest is None]


@st.composite
def numbers(draw: st.DrawFn) -> tuple[str, Field, float]:
    kind, field = draw(st.sampled_from(NUMBERS))
    near = [int(limit) for limit in (field.least, field.above, field.most) if limit is not None]
    whole = st.integers(min(near) - 3, max(near) + 3) | st.integers(-(2**31), 2**31 - 1)
    broken = st.floats(min(near) - 1, max(near) + 1) | st.floats(allow_nan=False, allow_infinity=False)
    return kind, field, draw(whole | broken if field.type == "double" else whole)


@settings(max_examples=30)
@given(cases=st.lists(numbers(), min_size=10, max_size=50))
def test_a_number_is_refused_exactly_where_it_is_out_of_its_bounds(cases: list[tuple[str, Field, float]]) -> None:
    found = refusals([line(*case) for case in cases])
    wrong = [
        (field.name, value, reason)
        for (_, field, value), (reason, _) in zip(cases, found, strict=True)
        if reason != (None if is_within(field, value) else "value_out_of_range")
    ]
    assert wrong == []
