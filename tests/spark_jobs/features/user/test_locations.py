"""The countries and cities that a night's models know are those of its training rows."""

from collections.abc import Callable
from dataclasses import replace
from datetime import date
from math import log1p
from typing import Any

import pytest
from pyspark.sql import SparkSession

from contracts.settings import Dataset, FeatureRules
from spark_jobs.features.user import locations
from spark_jobs.night.lake import Lake, checksum
from spark_jobs.night.night import Night
from spark_jobs.rules.location_columns import join_countries, location
from tests.silver_rows import at, put, silver

DAY = date(2026, 3, 8)
RULES = FeatureRules(location_users=2)


def view(user: int, moment: Any, city: str | None, **more: Any) -> dict[str, Any]:
    name = f"{user} {moment} {city}"
    return {"impression_id": name, "user_id": user, "post_id": 1, "shown_at": moment, "city": city, **more}


def user(user_id: int, country: str | None, **more: Any) -> dict[str, Any]:
    return {"user_id": user_id, "valid_from": at(1), "country": country, **more}


USERS = [
    *(user(n, "NL") for n in (1, 2, 3)),
    *(user(n, "BE") for n in (4, 5)),
    user(5, "FR", valid_from=at(4, 12)),  # too late for the row of the 4th, in time for that of the 5th
    user(6, "FR"),
    user(7, "IT"),
    user(8, None),
    *(user(n, "Atlantis") for n in (20, 21, 22)),  # shown nothing on a day that trains
]
VIEWS = [
    *(view(n, at(4, 9), "Pune") for n in (1, 2, 3, 4, 5)),
    *(view(n, at(5, 9), "Kyiv") for n in (5, 6, 7, 8)),
    view(8, at(5, 10), "Lima"),  # one user only
    view(1, at(5, 11), "Lima", ad_id=7),  # an ad trains nothing
    *(view(n, at(6, 9), "Ys") for n in (20, 21, 22)),  # calibrates the model of the 8th
    *(view(n, at(5, 9), "", received_at=at(9)) for n in (20, 21, 22)),  # not yet received
]


def known(spark: SparkSession, days: tuple[date, ...] = (DAY,), **changes: Any) -> dict[date, dict[str, list[Any]]]:
    frame = locations.transform(
        users=silver(spark, "silver.users", USERS),
        impressions=silver(spark, "silver.impressions", VIEWS),
        engagements=silver(spark, "silver.engagements", changes.pop("engagements", [])),
        days=days,
        dataset=replace(Dataset(), **changes),
        rules=RULES,
    )
    found: dict[date, dict[str, list[Any]]] = {day: {"country": [], "city": []} for day in days}
    for row in frame.orderBy("ds", "kind", "rank").collect():
        found[row.ds][row.kind].append((row.location, row.num_users, row.share))
    return found


def test_locations_are_those_of_the_training_rows(spark: SparkSession) -> None:
    assert known(spark)[DAY] == {
        "country": [("NL", 3, 3 / 8), ("BE", 2, 2 / 8), ("FR", 2, 2 / 8)],
        "city": [("Pune", 5, 5 / 8), ("Kyiv", 4, 4 / 8)],
    }


def test_a_later_night_trains_on_later_days(spark: SparkSession) -> None:
    ninth, twelfth = date(2026, 3, 9), date(2026, 3, 12)
    found = known(spark, (DAY, ninth, twelfth))
    assert found[DAY] == known(spark)[DAY]
    assert [name for name, *_ in found[ninth]["city"]] == ["Pune", "Kyiv", "Ys"]
    assert [name for name, *_ in found[twelfth]["city"]] == ["Kyiv", "Ys"]  # the 4th is more than 7 days back
    assert ("Atlantis", 3, 3 / 7) in found[twelfth]["country"]


def test_a_source_without_impressions_trains_on_engagements(spark: SparkSession) -> None:
    acts = [
        {"engagement_id": f"{n}", "user_id": n, "post_id": 1, "engagement_type": "like", "engaged_at": at(4, 9)}
        for n in (1, 2, 4)
    ]
    found = known(spark, has_impressions=False, engagements=acts)[DAY]
    assert found == {"country": [("NL", 2, 2 / 3)], "city": []}


def test_no_more_cities_are_known_than_a_model_tells_apart(spark: SparkSession) -> None:
    views = [view(n, at(4, hour), city) for hour, city in enumerate("FEDCBA") for n in range(2 + (city == "C"))]
    frame = locations.transform(
        users=silver(spark, "silver.users"),
        impressions=silver(spark, "silver.impressions", views),
        engagements=silver(spark, "silver.engagements"),
        days=(DAY,),
        dataset=Dataset(),
        rules=RULES,
    )
    assert [row.location for row in frame.orderBy("rank").collect()] == ["C", "A", "B", "D"]


def test_a_country_is_a_number_and_any_other_is_zero(spark: SparkSession) -> None:
    row = {"kind": "country", "location": "NL", "num_users": 5, "share": 0.5, "rank": 1, "ds": DAY}
    people = spark.createDataFrame([("NL",), ("Atlantis",), ("Ys",), (None,)], "country string")
    frame = join_countries(people, silver(spark, "gold.locations", [row]))
    found = {row.country: row.number for row in frame.withColumn("number", location()).collect()}
    assert found == {"NL": pytest.approx(log1p(500)), "Atlantis": 0, "Ys": 0, None: 0}


def test_a_rerun_writes_the_same_and_a_night_without_rows_knows_nothing(
    lake: Lake, make_night: Callable[..., Night]
) -> None:
    put(lake, "silver.users", USERS)
    put(lake, "silver.impressions", [{**row, "user_id": row["user_id"] % 5} for row in VIEWS])
    put(lake, "silver.impressions", [view(n, at(4, 10), "Pune") for n in range(10, 16)])
    night = make_night()
    locations.main(night)
    first = checksum(lake.read(locations.TABLE))
    assert lake.read(locations.TABLE).where("ds = '2026-03-08' AND location = 'Pune'").count() == 1
    assert lake.read(locations.TABLE).where("ds < '2026-03-07'").count() == 0
    locations.main(night)
    assert checksum(lake.read(locations.TABLE)) == first
