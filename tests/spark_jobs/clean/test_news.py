from collections.abc import Callable
from datetime import date

import pytest
from pyspark.sql import functions as F

from spark_jobs.clean import arrivals, engagements, posts, users
from spark_jobs.clean.news import news, typed_news
from spark_jobs.night.night import Night
from spark_jobs.night.writers import append_rows
from tests.landed import DS, bronze_rows, engagement, post, user

BUILT = (users, posts, engagements, arrivals)
OLD = date(2025, 1, 1)


def clean(night: Night) -> None:
    for job in BUILT:
        job.main(night)


def new_to(night: Night, table: str) -> dict[str, str | None]:
    return {row.event_id: row.waited for row in news(night, table).collect()}


def refusals(night: Night) -> dict[str, str]:
    return {row.event_id: row.reason for row in night.read("bronze.quarantine").collect()}


def test_an_event_is_news_until_the_stage_has_been_through_it_in_whatever_folder_it_lay(
    make_night: Callable[..., Night],
) -> None:
    night = make_night()
    append_rows(night.lake, "bronze.events", bronze_rows(night.spark, [user(1)]))
    assert new_to(night, "silver.users") == {"user-1": None}
    clean(night)
    assert new_to(night, "silver.users") == {}
    late = bronze_rows(night.spark, [user(2, at="2025-01-01T10:00:00Z")], OLD, "late.jsonl", batch=2)
    append_rows(night.lake, "bronze.events", late)
    assert new_to(night, "silver.users") == {"user-2": None}
    clean(night)
    assert new_to(night, "silver.users") == {}
    rows = night.read("silver.arrivals").orderBy("batch").collect()
    assert [tuple(row) for row in rows] == [
        (f"{DS}/a.jsonl", 1, 1, 0, DS),
        (f"{OLD}/late.jsonl", 2, 1, 0, OLD),
    ]


def test_a_table_without_news_is_left_alone(make_night: Callable[..., Night]) -> None:
    night = make_night()
    append_rows(night.lake, "bronze.events", bronze_rows(night.spark, [user(1), engagement("waits", 1, 13)]))
    assert [typed_news(night, "silver.posts", "post_created"), typed_news(night, "silver.sessions", "session")] == [
        None,
        None,
    ]
    clean(night)
    versions = {name: night.lake.last_version(f"silver.{name}") for name in ("users", "posts", "engagements")}
    assert typed_news(night, "silver.users", "user_upserted") is None
    assert typed_news(night, "silver.engagements", "engagement") is not None, "a refused one waits"
    clean(night)
    assert {name: night.lake.last_version(f"silver.{name}") for name in versions} == versions


@pytest.mark.slow
def test_what_waits_comes_to_silver_when_its_reference_does_and_leaves_the_quarantine(
    make_night: Callable[..., Night],
) -> None:
    night = make_night()
    known = [user(1), post(10, 1), post(12, 9), engagement("withheld", 1, 12), engagement("unknown", 1, 13)]
    append_rows(night.lake, "bronze.events", bronze_rows(night.spark, [*known, engagement("fine", 1, 10)]))
    clean(night)
    assert refusals(night) == {"post-12": "unknown_user", "withheld": "withheld_post", "unknown": "unknown_post"}
    assert new_to(night, "silver.engagements") == {"withheld": "withheld_post", "unknown": "unknown_post"}
    clean(night)
    assert refusals(night) == {"post-12": "unknown_user", "withheld": "withheld_post", "unknown": "unknown_post"}

    append_rows(night.lake, "bronze.events", bronze_rows(night.spark, [post(13, 9)], source="b.jsonl", batch=2))
    clean(night)
    assert refusals(night) == dict.fromkeys(("post-12", "post-13"), "unknown_user") | dict.fromkeys(
        ("withheld", "unknown"), "withheld_post"
    )

    append_rows(night.lake, "bronze.events", bronze_rows(night.spark, [user(9)], source="c.jsonl", batch=3))
    clean(night)
    assert refusals(night) == {}
    kept = night.read("silver.engagements").orderBy("engagement_id").collect()
    assert [row.engagement_id for row in kept] == ["fine", "unknown", "withheld"]
    waited = night.read("silver.arrivals").where("batch = 3").orderBy("source").collect()
    assert [(row.source, row.num_events, row.num_waited) for row in waited] == [
        (f"{DS}/a.jsonl", 3, 3),
        (f"{DS}/b.jsonl", 1, 1),
        (f"{DS}/c.jsonl", 1, 0),
    ]


@pytest.mark.slow
@pytest.mark.parametrize("killed_after", range(len(BUILT)))
def test_a_pass_that_was_killed_is_run_again(make_night: Callable[..., Night], killed_after: int) -> None:
    night = make_night()
    waiting = [post(12, 9), engagement("withheld", 1, 12)]
    append_rows(night.lake, "bronze.events", bronze_rows(night.spark, [user(1), *waiting]))
    clean(night)
    append_rows(night.lake, "bronze.events", bronze_rows(night.spark, [user(9)], source="b.jsonl", batch=2))
    for job in BUILT[:killed_after]:
        job.main(night)
    clean(night)
    assert refusals(night) == {}
    assert night.read("silver.engagements").count() == night.read("silver.posts").count() == 1
    passed = night.read("silver.arrivals").where("batch = 2").agg(F.sum("num_waited")).first()
    assert passed is not None
    assert passed[0] == 2
