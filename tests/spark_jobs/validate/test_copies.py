from datetime import UTC, date, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from spark_jobs.validate.copies import Line, copies_of

DAY = date(2026, 3, 8)
DAYS = 11


def line(received: int, landed: int = 0, happened: int = 0, number: int = 1, source: str = "a.jsonl") -> Line:
    """``received`` and ``happened`` in hours after, ``landed`` in days after 8 March."""
    noon = datetime(2026, 3, 8, 12, tzinfo=UTC)
    landing_date = DAY + timedelta(landed)
    at = (noon + timedelta(hours=received), noon + timedelta(hours=happened))
    return Line(at[0], f"{landing_date}/{source}", number, at[1], landing_date)


def test_the_line_received_first_is_the_event_then_the_lesser_source_and_line() -> None:
    first, second = line(1, number=2), line(2, number=1)
    assert copies_of([second, first], DAYS) == [(second, first)]
    assert copies_of([line(1, source="b.jsonl"), line(1)], DAYS) == [(line(1, source="b.jsonl"), line(1))]
    assert copies_of([line(1, number=10), line(1, number=9)], DAYS) == [(line(1, number=10), line(1, number=9))]
    assert copies_of([line(1)], DAYS) == []


def test_a_copy_is_found_however_late_and_another_event_within_days() -> None:
    first = line(0)
    copy, reuse, later = line(1, landed=400), line(2, landed=DAYS, happened=1), line(3, landed=DAYS + 1, happened=2)
    assert copies_of([first, copy], DAYS) == [(copy, first)]
    assert copies_of([first, reuse], DAYS) == [(reuse, first)]
    assert copies_of([first, later], DAYS) == []


@given(
    lines=st.lists(
        st.builds(line, st.integers(0, 4), st.integers(0, 30), st.integers(0, 2), st.integers(1, 99)), unique=True
    ),
    days=st.integers(0, 12),
)
def test_each_line_is_compared_with_every_other(lines: list[Line], days: int) -> None:
    expected = []
    for one in lines:
        better = [
            other
            for other in lines
            if other.event_time == one.event_time or abs(other.landing_date - one.landing_date) <= timedelta(days)
        ]
        if min(better) != one:
            expected.append((one, min(better)))
    assert copies_of(lines, days) == expected
