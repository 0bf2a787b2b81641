from collections.abc import Callable
from datetime import date

import pytest

from spark_jobs.features.days import Arrival, Plan, plan_days, record, touched
from spark_jobs.night.night import Night
from tests.silver_rows import put

TABLE = "gold.communities"


def march(*days: int) -> list[date]:
    return [date(2026, 3, day) for day in days]


def test_a_file_touches_the_snapshots_that_were_built_before_it_and_see_it() -> None:
    built = dict(zip(march(5, 6, 7, 8), (4, 4, 5, 4), strict=True))
    arrivals = [Arrival("a", 5, date(2026, 3, 6)), Arrival("b", 5, date(2026, 3, 8)), Arrival("c", 4, march(1)[0])]
    assert touched(built, arrivals) == {march(6)[0]: ["a"], march(8)[0]: ["a", "b"]}
    assert touched(built, []) == {}


@pytest.mark.parametrize(
    ("built", "seen_from", "expected"),
    [
        pytest.param(range(1, 9), 6, march(6, 7, 8, 9), id="a file that came late"),
        pytest.param(range(1, 9), 9, march(9), id="a file of the night itself"),
        pytest.param(range(3, 9), 9, march(1, 2, 9), id="a day that is missing"),
        pytest.param((), 5, march(1, 2, 3, 4, 5, 6, 7, 8, 9), id="the first night builds the window"),
    ],
)
def test_the_days_that_a_night_builds(
    make_night: Callable[..., Night],
    capsys: pytest.CaptureFixture[str],
    built: range,
    seen_from: int,
    expected: list[date],
) -> None:
    night = make_night(date(2026, 3, 9))
    snapshots = [{"user_id": 1, "community_id": 1, "num_members": 1, "ds": day} for day in march(*built)]
    put(night.lake, TABLE, snapshots)
    if built:
        record(night, Plan(TABLE, march(*built), 4, {}))
    put(night.lake, "silver.arrivals", [arrival("on time", 4, 1), arrival("news", 5, seen_from)])
    plan = plan_days(night, TABLE)
    assert plan.days == expected
    again = [day for day in expected if day.day in built]
    assert plan.late == {day: ["news"] for day in again}
    assert ("again" in capsys.readouterr().out) == bool(again)
    record(night, plan)
    put(night.lake, TABLE, [{"user_id": 1, "community_id": 1, "num_members": 1, "ds": day} for day in expected])
    assert plan_days(night, TABLE).days == march(9)


def arrival(source: str, batch: int, seen_from: int) -> dict[str, object]:
    return {"source": source, "batch": batch, "num_events": 1, "num_waited": 0, "seen_from": march(seen_from)[0]}
