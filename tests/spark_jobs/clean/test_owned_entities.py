from collections.abc import Callable

from spark_jobs.clean import groups, pages, users
from spark_jobs.night.night import Night
from spark_jobs.night.writers import append_rows
from tests.landed import NOON, bronze_rows, event, user

EARLY = "2026-03-08T01:00:00Z"


def test_the_latest_version_of_a_page_wins_and_owners_are_known(make_night: Callable[..., Night]) -> None:
    night = make_night()
    rows = [
        user(1),
        event("page_upserted", "b", NOON, page_id=5, owner_id=1, name="new"),
        event("page_upserted", "a", NOON, page_id=5, owner_id=1, name="same time, lesser id"),
        event("page_upserted", "c", EARLY, page_id=5, owner_id=1, name="old"),
        event("page_upserted", "d", page_id=6, owner_id=9, name="of nobody"),
        event("group_upserted", "e", group_id=7, owner_id=1, name="group"),
    ]
    append_rows(night.lake, "bronze.events", bronze_rows(night.spark, rows))
    users.main(night)
    for _ in range(2):
        pages.main(night)
    groups.main(night)
    late = event("page_upserted", "f", EARLY, page_id=5, owner_id=1, name="older")
    append_rows(night.lake, "bronze.events", bronze_rows(night.spark, [late], source="b.jsonl"))
    pages.main(night)
    assert [(row["page_id"], row["name"]) for row in night.read("silver.pages").collect()] == [(5, "new")]
    assert [(row["group_id"], row["name"]) for row in night.read("silver.groups").collect()] == [(7, "group")]
    refused = [tuple(row) for row in night.read("bronze.quarantine").select("event_id", "writer", "reason").collect()]
    assert refused == [("d", "silver.pages", "unknown_user")]
