from collections.abc import Callable

from spark_jobs.clean import posts, users
from spark_jobs.clean.typed_events import typed_events
from spark_jobs.lake import append_rows, checksum
from spark_jobs.night import Night
from tests.landed import NOON, bronze_rows, event, naive, post, user

EARLY, LATE = "2026-03-08T01:00:00Z", "2026-03-08T13:00:00Z"


def test_posts_keep_their_latest_version_and_their_tombstones(make_night: Callable[..., Night]) -> None:
    night = make_night()
    update = post(1, 1, "b", LATE, text="new", hashtags=["Food"], created_at=NOON) | {"event_type": "post_updated"}
    rows = [
        user(1),
        post(1, 1, "a", NOON, text="old", source_id=77),
        update,
        post(2, 1, "c", NOON),
        event("post_deleted", "d", LATE, post_id=2),
        post(3, 9, "e"),
        post(4, 1, "f", source_type="page", source_id=50),
        post(5, 1, "g", source_type="group", source_id=60),
        event("post_deleted", "h", post_id=6),
    ]
    append_rows(night.lake, "bronze.events", bronze_rows(night.spark, rows))
    users.main(night)
    posts.main(night)
    once = checksum(night.read("silver.posts"))
    posts.main(night)
    assert checksum(night.read("silver.posts")) == once
    kept = {row["post_id"]: row for row in night.read("silver.posts").collect()}
    assert set(kept) == {1, 2}
    new = kept[1]
    assert (new["text"], new["hashtags"], new["source_id"], new["is_deleted"]) == ("new", ["food"], 1, False)
    assert (new["created_at"], new["updated_at"], new["received_at"]) == (naive(NOON), naive(LATE), naive(NOON))
    assert (new["mentions"], new["audience"], new["media_count"]) == ([], [], 0)
    assert kept[2]["is_deleted"]
    refused = night.read("bronze.quarantine").orderBy("event_id").collect()
    assert [(row["event_id"], row["reason"], row["detail"]) for row in refused] == [
        ("e", "unknown_user", "author_id=9"),
        ("f", "unknown_page", "source_id=50"),
        ("g", "unknown_group", "source_id=60"),
        ("h", "unknown_post", "post_id=6"),
    ]


def test_late_versions_neither_win_nor_raise_the_dead(make_night: Callable[..., Night]) -> None:
    night = make_night()
    names = ("post_created", "post_updated")
    empty = night.read("silver.posts")

    def apply(rows: list[dict[str, object]], existing: object) -> object:
        frame = bronze_rows(night.spark, rows)
        deletions = typed_events(frame, "post_deleted")
        return posts.transform(typed_events(frame, *names), deletions, existing)  # type: ignore[arg-type]

    now = apply([post(1, 1, "a", NOON, text="new"), event("post_deleted", "b", post_id=1)], empty)
    earlier = post(1, 1, "c", EARLY, text="old") | {"received_at": LATE}
    [row] = apply([earlier], now).collect()  # type: ignore[attr-defined]
    assert (row["text"], row["is_deleted"], row["received_at"]) == ("new", True, naive(NOON))
    newest = post(1, 1, "d", LATE, text="newest")
    [row] = apply([newest], now).collect()  # type: ignore[attr-defined]
    assert (row["text"], row["is_deleted"], row["received_at"]) == ("newest", True, naive(NOON))
