from collections.abc import Callable
from datetime import date

import pytest

from spark_jobs.features.days import days_to_build
from spark_jobs.night import Night
from tests.silver_rows import at, put

TABLE = "gold.communities"


def march(*days: int) -> list[date]:
    return [date(2026, 3, day) for day in days]


@pytest.mark.parametrize(
    ("built", "landed_on", "expected"),
    [
        pytest.param(range(1, 9), 9, march(6, 7, 8, 9), id="what landed late touches what had been received"),
        pytest.param(range(1, 9), 8, march(9), id="what the night before had is no news"),
        pytest.param(range(1, 8), 8, march(6, 7, 8, 9), id="a night that failed leaves its news to the next"),
        pytest.param(range(3, 9), 8, march(1, 2, 9), id="a day that is missing is built"),
        pytest.param((), 9, march(1, 2, 3, 4, 5, 6, 7, 8, 9), id="the first night builds the window"),
    ],
)
def test_days_to_build(make_night: Callable[..., Night], built: range, landed_on: int, expected: list[date]) -> None:
    night = make_night(date(2026, 3, 9))
    snapshots = [{"user_id": 1, "community_id": 1, "num_members": 1, "ds": day} for day in march(*built)]
    put(night.lake, TABLE, snapshots)
    moments = {"event_time": at(5, 3), "received_at": at(6, 1), "landing_date": date(2026, 3, landed_on)}
    put(night.lake, "bronze.events", [{"event_id": "late", **moments}])
    assert days_to_build(night, TABLE) == expected
