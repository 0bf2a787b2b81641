"""A Redis that lost its data is not trusted: blocked users stay blocked.

A reader process meets two users, who are blocked with the author of a popular post and have hidden another; then its
Redis is killed and comes back empty, is written to by a live service, comes back with an older pointer, and is at last
published to. All the while both users ask, and neither post is ever shown; readiness says what the feed does.
"""

import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from contracts.redis_keys import TAKEDOWN_KEY, block_key, hidden_key
from tests.nights import Reader, reader
from tests.serving.reader_world import GENERATED_AT, RedisServer, Seed

USERS = (1, 2)
BLOCKED_AUTHOR, HIDDEN, TAKEN_DOWN = 301, 902, 903
POPULAR = [Seed(900 + n, 300 + n, source="popular", reason="popular") for n in range(6)]
FORBIDDEN = {901, HIDDEN, TAKEN_DOWN}


@pytest.fixture(scope="module")
def server() -> Iterator[RedisServer]:
    yield from RedisServer.running()


def publish(server: RedisServer, epoch: int, published_at: int) -> None:
    """Suppression, a pool of all popular posts for each user, the public pool; the pointer comes last."""
    for user in USERS:
        server.client.sadd(block_key(user), BLOCKED_AUTHOR)
        server.client.sadd(hidden_key(user), HIDDEN)
        server.write_user(epoch, user, POPULAR)
    server.client.sadd(block_key(BLOCKED_AUTHOR), *USERS)
    server.client.sadd(TAKEDOWN_KEY, TAKEN_DOWN)
    server.write_public(epoch, "popular", POPULAR)
    server.flip(epoch, None, published_at)


def watch(running: Reader, seconds: float) -> Counter[tuple[str, str]]:
    """What both users are served, again and again: how often readiness and feed said which two things."""
    answers: Counter[tuple[str, str]] = Counter()
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        ready = httpx.get(f"{running.url}/readyz", timeout=10)
        for user in USERS:
            answer = running.feed(user, count=50)
            assert answer.status_code == 200, answer.text
            shown = {int(post["id"]) for post in answer.json()["posts"]}
            assert not shown & FORBIDDEN, f"user {user} is shown {shown & FORBIDDEN}"
            assert shown == {900, 904, 905}
            readiness = ready.text if ready.is_success else ready.json()["detail"]
            answers[readiness, answer.json()["metadata"]["served_from"]] += 1
        time.sleep(0.05)
    return answers


def watch_until(running: Reader, readiness: str) -> None:
    """Watch until readiness says so: a busy machine may take its time."""
    for _ in range(200):
        if {ready for ready, _ in watch(running, 0.1)} == {readiness}:
            return
    raise AssertionError(f"readiness never said {readiness!r}")


def test_an_emptied_redis_shows_nobody_what_they_may_not_see(server: RedisServer, tmp_path: Path) -> None:
    publish(server, 5, GENERATED_AT)
    with reader(server.url, tmp_path / "log", "--breaker-open-s", "0.5") as running:
        answers = {"before": watch(running, 1)}
        server.kill()
        server.start()
        watch_until(running, "there is no epoch pointer")
        answers["restarted empty"] = watch(running, 3)
        server.client.sadd(block_key(77), 78)
        answers["written to by a live service"] = watch(running, 1)
        server.write_public(4, "popular", POPULAR)
        server.flip(4, None, GENERATED_AT - 86_400)
        answers["an older pointer"] = watch(running, 2)
        publish(server, 6, GENERATED_AT + 60)
        watch_until(running, "ready, epoch 6")
        answers["published anew"] = watch(running, 1)
    for when, counts in answers.items():
        for (ready, served_from), count in counts.items():
            print(f"{when}: {count} feeds from {served_from}; readiness: {ready}")
    assert set(answers["before"]) == {("ready, epoch 5", "redis")}
    assert set(answers["restarted empty"]) == {("there is no epoch pointer", "popular")}
    assert set(answers["written to by a live service"]) == {("there is no epoch pointer", "popular")}
    assert all("older than one seen before" in ready for ready, _ in answers["an older pointer"])
    assert {level for _, level in answers["an older pointer"]} == {"popular"}
    assert set(answers["published anew"]) == {("ready, epoch 6", "redis")}


def test_public_posts_obey_the_blocks_of_their_authors_where_the_users_own_set_is_lost(
    server: RedisServer, tmp_path: Path
) -> None:
    server.client.flushall()
    publish(server, 5, GENERATED_AT)
    server.client.sadd(block_key(BLOCKED_AUTHOR), 3)
    with reader(server.url, tmp_path / "log") as running:
        answer = running.feed(3).json()
    assert answer["metadata"]["served_from"] == "popular"
    assert [post["id"] for post in answer["posts"]] == ["900", "902", "904", "905"]
