"""The same night twice: no gold table's content changes, a new epoch is published and served."""

import time
from typing import Any

from contracts.pipeline import TABLES
from spark_jobs.night.lake import checksum
from spark_jobs.night.night import Night
from tests.nights import Reader, pointer, run_night

GOLD = [table.full_name for table in TABLES if table.layer == "gold" and table.name != "epochs"]
"""``gold.epochs`` records each publish, so it gains a row by design."""


def test_idempotent(published: Night, feed: Reader) -> None:
    before = {name: checksum(published.read(name)) for name in GOLD}
    epoch = pointer(published.redis_url).stable
    user = published.read("gold.ranked_feeds").selectExpr("min(user_id)").first()
    assert user is not None
    first = feed.feed(user[0]).json()
    run_night(published)
    after = {name: checksum(published.read(name)) for name in GOLD}
    for name in GOLD:
        print(f"{name:28} {before[name]:>24} {after[name]:>24} {'same' if before[name] == after[name] else 'CHANGED'}")
    assert after == before
    assert pointer(published.redis_url).stable == epoch + 1
    second = serve_epoch(feed, user[0], epoch + 1)
    print(f"epoch {epoch} → {epoch + 1}, both served from {second['metadata']['served_from']}")
    assert [post["id"] for post in second["posts"]] == [post["id"] for post in first["posts"]]


def serve_epoch(feed: Reader, user: int, epoch: int) -> dict[str, Any]:
    """Readers cache the pointer for about a second."""
    deadline = time.monotonic() + 10
    while True:
        answer: dict[str, Any] = feed.feed(user).json()
        if answer["metadata"]["epoch"] == epoch or time.monotonic() > deadline:
            assert answer["metadata"]["epoch"] == epoch
            return answer
        time.sleep(0.1)
