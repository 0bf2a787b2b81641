"""An unknown value of a session is treated like a missing one."""

from typing import Any

import pytest
from pyspark.sql import SparkSession

from contracts.features import features_of
from spark_jobs.rules.context_columns import session_columns
from spark_jobs.rules.location_columns import in_cities
from tests.feature_frames import frames_of, user_features_of
from tests.landed import DS
from tests.silver_rows import at, silver

KNOWN = [
    {"kind": kind, "location": name, "num_users": 5, "share": 0.5, "rank": 1, "ds": DS}
    for kind, name in (("city", "Pune"), ("country", "NL"))
]
CASES = [("fridge", "satellite", "Ys"), ("loom", "pigeon", "Atlantis"), (None, None, None)]


def views_of(user: int, device: str | None, connection: str | None, city: str | None) -> list[dict[str, Any]]:
    """Two impressions of a user with known values, and one with the given ones."""
    known = {"user_id": user, "post_id": 1, "device": "phone", "connection": "wifi", "city": "Pune"}
    context = {"device": device, "connection": connection, "city": city}
    rows = [known, known, known | context]
    return [row | {"impression_id": f"{user}-{n}", "shown_at": at(7, n)} for n, row in enumerate(rows)]


def test_an_unknown_device_connection_or_city_counts_as_one_that_is_missing(spark: SparkSession) -> None:
    rows = {
        "users": [{"user_id": user, "valid_from": at(1), "country": "Atlantis"} for user in range(len(CASES))],
        "posts": [{"post_id": 1, "author_id": 9, "created_at": at(6)}],
        "impressions": [view for user, case in enumerate(CASES) for view in views_of(user, *case)],
        "locations": KNOWN,
    }
    found = user_features_of(frames_of(spark, rows), (DS,)).where("user_id < 9").collect()
    ratios = ("mobile", "tablet", "desktop", "wifi", "cellular", "city_1", "city_2")
    expected = [0, (2 + 10) / 22, 2 / 22, 8 / 22, (2 + 10) / 22, 10 / 22, (2 + 5) / 22, 5 / 22]
    assert len(found) == len(CASES)
    for row in found:
        assert [row["location"], *(row[f"{name}_ratio"] for name in ratios)] == pytest.approx(expected)


def test_the_context_of_an_impression_is_null_where_the_log_tells_nothing_known(spark: SparkSession) -> None:
    contexts = [("desktop", "wired", "Pune"), *CASES]
    rows = [
        {"impression_id": str(n), "shown_at": at(7), "device": device, "connection": connection, "city": city}
        for n, (device, connection, city) in enumerate(contexts)
    ]
    frame = silver(spark, "silver.impressions", [{"user_id": 1, "post_id": 1, **row} for row in rows])
    state = frame.selectExpr("*", "0L AS num_session_views", "0L AS session_micros", "array('Pune') AS known_cities")
    columns = {**session_columns(), **in_cities()}
    read = state.orderBy("impression_id").select(*(column.alias(name) for name, column in columns.items())).collect()
    of_log = [f.name for f in features_of("context") if f.group in ("device", "connection", "location")]
    first = {name: read[0][name] for name in of_log}
    assert [name for name, value in first.items() if value == 1] == ["is_desktop", "city_1"]
    assert None not in first.values()
    assert {row[name] for row in read[1:] for name in of_log} == {None}
