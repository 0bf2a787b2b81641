from collections.abc import Callable

from spark_jobs.clean import users
from spark_jobs.clean.typed_events import typed_events
from spark_jobs.night.lake import checksum
from spark_jobs.night.night import Night
from spark_jobs.night.writers import append_rows
from tests.landed import bronze_rows, user

FIRST, SECOND, THIRD = "2026-03-08T01:00:00Z", "2026-03-08T02:00:00Z", "2026-03-08T03:00:00Z"


def test_versions_close_each_other_in_whichever_order_they_arrive(make_night: Callable[..., Night]) -> None:
    night = make_night()
    late = user(1, "b", SECOND, country="DE")
    known = [
        user(1, "a", FIRST, gender="Nonbinary", interests=["food"]),
        user(1, "c", THIRD, is_verified=True),
        user(2, "d", FIRST),
    ]
    append_rows(night.lake, "bronze.events", bronze_rows(night.spark, known))
    users.main(night)
    append_rows(night.lake, "bronze.events", bronze_rows(night.spark, [late], source="b.jsonl"))
    for _ in range(2):
        users.main(night)
    rows = night.read("silver.users").orderBy("user_id", "valid_from").collect()
    assert [
        (row["user_id"], row["valid_from"].hour, row["valid_to"] and row["valid_to"].hour, row["is_verified"])
        for row in rows
    ] == [(1, 1, 2, False), (1, 2, 3, False), (1, 3, None, True), (2, 1, None, False)]
    assert [row["gender"] for row in rows] == ["other", None, None, None]
    assert [row["interests"] for row in rows] == [["food"], [], [], []]
    # A later night's scope holds the late version alone: the others come from the table.
    events = typed_events(bronze_rows(night.spark, [late]), "user_upserted")
    again = users.transform(events, night.read("silver.users")).where("user_id = 1")
    assert checksum(again) == checksum(night.read("silver.users").where("user_id = 1"))


def test_of_two_versions_at_one_time_the_one_received_last_counts(make_night: Callable[..., Night]) -> None:
    night = make_night()
    pair = [user(1, "a", FIRST, name="old"), user(1, "b", FIRST, name="new") | {"received_at": SECOND}]
    empty = night.read("silver.users")
    one, other = (typed_events(bronze_rows(night.spark, [item]), "user_upserted") for item in pair)
    for events, existing in ((one, users.transform(other, empty)), (other, users.transform(one, empty))):
        assert [row["name"] for row in users.transform(events, existing).collect()] == ["new"]
