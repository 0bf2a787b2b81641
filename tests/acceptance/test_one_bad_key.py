"""One damaged or huge key affects its owner only: nobody else is served worse, and the owner stays safe.

A reader process serves two ordinary users beside some whose own keys are of a wrong type, damaged or huge; then the
takedown set holds a member that is no id, and the pointer names an epoch of which nothing is there.
"""

import re
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from contracts.epochs import MAX_READ_MEMBERS
from contracts.redis_keys import TAKEDOWN_KEY, block_key, card_key, hidden_key, pool_key
from tests.nights import Reader, reader
from tests.serving.reader_world import GENERATED_AT, RedisServer, Seed

ORDINARY = (1, 2)
HUGE, WRONG_TYPE, NO_ID, HUGE_POOL, LARGE = 10, 11, 12, 13, 14
BLOCKED_AUTHOR, TAKEN_DOWN = 301, 903
POPULAR = [Seed(900 + n, 300 + n, source="popular", reason="popular") for n in range(6)]
OWN = [Seed(20 + n, 100 + n, is_public=False) for n in range(3)]
ROUNDS = 12


@pytest.fixture(scope="module")
def server() -> Iterator[RedisServer]:
    yield from RedisServer.running()


@pytest.fixture
def world(server: RedisServer) -> RedisServer:
    client = server.client
    client.flushall()
    for user in (*ORDINARY, HUGE, WRONG_TYPE, NO_ID, HUGE_POOL, LARGE):
        server.write_user(5, user, OWN)
        client.sadd(block_key(BLOCKED_AUTHOR), user)
        client.sadd(block_key(user), BLOCKED_AUTHOR)
    server.write_public(5, "popular", POPULAR)
    client.sadd(TAKEDOWN_KEY, TAKEN_DOWN)
    server.flip(5)
    add_many(client, block_key(HUGE), 200_000)
    add_many(client, block_key(LARGE), MAX_READ_MEMBERS - 1)
    client.set(hidden_key(WRONG_TYPE), "not a set")
    client.sadd(hidden_key(NO_ID), "not an id")
    client.set(pool_key(5, HUGE_POOL), b"x" * 50_000_000)
    return server


def add_many(client: Any, key: str, count: int) -> None:
    for start in range(0, count, 10_000):
        client.sadd(key, *range(10**6 + start, 10**6 + min(start + 10_000, count)))


def metric(running: Reader, name: str) -> float:
    text = httpx.get(f"{running.url}/metrics", timeout=10).text
    found = re.search(rf"^{re.escape(name)} ([0-9.e+]+)$", text, re.MULTILINE)
    return float(found[1]) if found else 0.0


def served(running: Reader, user: int) -> tuple[str, list[int]]:
    answer = running.feed(user, count=50)
    assert answer.status_code == 200, answer.text
    body = answer.json()
    return body["metadata"]["served_from"], [int(post["id"]) for post in body["posts"]]


def test_a_users_damaged_or_huge_key_is_that_users_problem(world: RedisServer, tmp_path: Path) -> None:
    """A set just below the bound is read whole; the others get public posts without whom they are blocked with."""
    safe = ("popular", [900, 902, 904, 905])
    with reader(world.url, tmp_path / "log") as running:
        for _ in range(ROUNDS):
            for user in (HUGE, WRONG_TYPE, NO_ID, HUGE_POOL):
                assert served(running, user) == safe
            assert served(running, LARGE) == ("redis", [20, 21, 22])
        for user in ORDINARY:
            assert served(running, user) == ("redis", [20, 21, 22])
        kinds = ("block", "hidden", "pool", "pointer", "takedown")
        refused = {kind: metric(running, f'feedlake_damaged_values_total{{kind="{kind}"}}') for kind in kinds}
        state = metric(running, 'feedlake_breaker_state{dependency="redis"}')
    print(f"{ROUNDS} requests for each of 4 bad keys: refused {refused}, breaker state {state:g}")
    assert refused == {"block": ROUNDS, "hidden": 2 * ROUNDS, "pool": ROUNDS, "pointer": 0, "takedown": 0}
    assert state == 0
    lines = [line for line in (tmp_path / "log").read_text().splitlines() if "refused from Redis" in line]
    print(f"{len(lines)} log lines, such as {lines[0][:160]}")
    assert any(f"block set of user {HUGE}: it has more than" in line for line in lines)


def test_a_takedown_that_is_no_id_is_skipped_and_counted(world: RedisServer, tmp_path: Path) -> None:
    """Takedowns beside it hold, new ones from the next request on; a reader that starts with it serves."""
    world.client.sadd(TAKEDOWN_KEY, "not an id")
    with reader(world.url, tmp_path / "log") as running:
        assert served(running, 99) == ("popular", [900, 901, 902, 904, 905])
        assert httpx.get(f"{running.url}/readyz").text == "ready, epoch 5"
        world.client.sadd(TAKEDOWN_KEY, 900, 20)
        assert served(running, 99) == ("popular", [901, 902, 904, 905])
        assert served(running, 1) == ("redis", [21, 22])
        counted = metric(running, 'feedlake_damaged_values_total{kind="takedown"}')
    print(f"a takedown that is no id: counted {counted:g} times, everybody served")
    assert counted >= 1


def test_a_pointer_to_an_epoch_without_any_key_replaces_nothing(world: RedisServer, tmp_path: Path) -> None:
    """Both who is asked and readiness go on with the good epoch, and say so; takedowns still hold."""
    with reader(world.url, tmp_path / "log") as running:
        assert served(running, 1) == ("redis", [20, 21, 22])
        world.flip(6, 5, GENERATED_AT + 60)
        for _ in range(600):
            if metric(running, 'feedlake_damaged_values_total{kind="epoch"}') >= 2:  # two refreshes have seen it
                break
            time.sleep(0.1)
        world.client.sadd(TAKEDOWN_KEY, 21, 904)
        assert served(running, 1) == ("redis", [20, 22])
        assert served(running, 99) == ("popular", [900, 901, 902, 905])
        ready = httpx.get(f"{running.url}/readyz")
        world.client.delete(*(card_key(5, seed.post_id) for seed in POPULAR))
        assert served(running, 99) == ("popular", [900, 901, 902, 905])
    print(f"readiness: {ready.status_code} {ready.text}")
    assert (ready.status_code, ready.text) == (
        200,
        "ready, epoch 5, and not epoch 6: none of its public pools can be read",
    )
