from collections.abc import Callable

from spark_jobs.clean.typed_events import typed_events
from spark_jobs.night.night import Night
from tests.landed import bronze_rows, event, impression, naive, post


def test_ids_stay_exact_and_lists_lose_nulls(make_night: Callable[..., Night]) -> None:
    events = [
        post(2**53 + 1, 2**63 - 1, hashtags=["a", None], mentions=[2**62 + 1]),
        impression("i", -(2**63), 2**53 + 1, propensity=1),
        event("post_deleted", "d", post_id=7),
    ]
    frame = typed_events(bronze_rows(make_night().spark, events), "post_created", "impression")
    rows = {row["event_id"]: row for row in frame.collect()}
    assert set(rows) == {f"post-{2**53 + 1}", "i"}
    created, shown = rows[f"post-{2**53 + 1}"], rows["i"]
    assert (created["post_id"], created["author_id"], created["mentions"]) == (2**53 + 1, 2**63 - 1, [2**62 + 1])
    assert (created["hashtags"], created["position"], created["created_at"]) == (
        ["a"],
        None,
        naive("2026-03-08T12:00:00Z"),
    )
    assert (shown["user_id"], shown["propensity"], shown["epoch"]) == (-(2**63), 1.0, None)
