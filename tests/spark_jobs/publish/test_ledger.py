from datetime import UTC, date, datetime

import pytest

from contracts.pointer import Canary, Pointer
from spark_jobs.publish.ledger import EpochRow, in_line_with, live_day

NOW = datetime(2026, 3, 9, 3, tzinfo=UTC)


def row(epoch: int, status: str, day: int = 8) -> EpochRow:
    return EpochRow(epoch, date(2026, 3, day), status, "{}", "{}", NOW, NOW)


@pytest.mark.parametrize(
    ("pointer", "before", "after"),
    [
        (Pointer(2, 1, 0), {1: "previous", 2: "current"}, {}),
        (Pointer(2, 1, 0), {1: "previous", 2: "current", 3: "building"}, {3: "bad"}),
        (Pointer(2, 1, 0), {1: "previous", 2: "current", 3: "built"}, {3: "bad"}),
        (Pointer(3, 2, 0), {1: "previous", 2: "current", 3: "built"}, {1: "retired", 2: "previous", 3: "current"}),
        (Pointer(1, None, 0), {1: "previous", 2: "rolled_back"}, {1: "current"}),
        (None, {1: "previous", 2: "current", 3: "bad"}, {1: "retired", 2: "retired"}),
        (Pointer(4, 3, 0), {3: "rolled_back", 2: "retired"}, {}),
        (Pointer(2, 1, 0, Canary(3, 0.1)), {1: "previous", 2: "current", 3: "built"}, {3: "canary"}),
        (Pointer(3, 2, 0), {1: "previous", 2: "current", 3: "canary"}, {1: "retired", 2: "previous", 3: "current"}),
        (Pointer(2, 1, 0), {1: "previous", 2: "current", 3: "canary"}, {3: "retired"}),
    ],
)
def test_rows_follow_the_pointer(pointer: Pointer | None, before: dict[int, str], after: dict[int, str]) -> None:
    rows = [row(epoch, status) for epoch, status in before.items()]
    corrected = in_line_with(pointer, rows, may_be_at_work=False)
    assert {found.epoch: found.status for found in corrected} == after


def test_the_live_day_is_the_pointer_s_or_the_last_recorded() -> None:
    rows = [row(1, "retired", 9), row(2, "previous", 6), row(3, "current", 7), row(4, "bad", 20)]
    assert live_day(rows, Pointer(3, 2, 0)) == date(2026, 3, 7)
    assert live_day(rows, None) == date(2026, 3, 7)
    assert live_day(rows[:2], None) is None
    assert live_day([*rows, row(5, "built", 8)], Pointer(5, 3, 0)) == date(2026, 3, 8)
    assert live_day([*rows, row(5, "built", 8)], Pointer(3, 2, 0, Canary(5, 0.1))) == date(2026, 3, 8)
