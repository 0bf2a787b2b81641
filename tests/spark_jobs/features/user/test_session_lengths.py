from datetime import date

import pytest
from pyspark.sql import SparkSession

from tests.feature_frames import Rows, frames_of, user_features_of
from tests.silver_rows import at


def test_a_session_is_as_long_as_what_the_snapshot_sees_of_it(spark: SparkSession) -> None:
    view = {"user_id": 1, "post_id": 1, "session_id": "s"}
    shown = [(at(5, 10), at(5, 10)), (at(5, 11), at(5, 11)), (at(5, 13), at(6, 1)), (at(5, 9), at(7, 1))]
    impressions = [
        {**view, "impression_id": f"{n}", "shown_at": moment, "received_at": received}
        for n, (moment, received) in enumerate(shown)
    ]
    rows: Rows = {
        "users": [{"user_id": 1, "valid_from": at(1)}],
        "posts": [{"post_id": 1, "author_id": 2, "created_at": at(4)}],
        "impressions": impressions,
    }
    days = tuple(date(2026, 3, day) for day in (4, 5, 6, 7, 8))
    frame = user_features_of(frames_of(spark, rows), days)
    assert [row.session_hours for row in frame.orderBy("ds").collect()] == pytest.approx([0, 1, 3, 4, 4])
