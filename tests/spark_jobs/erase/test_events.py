"""The collector's Redis after an erasure: the person's events and counters are gone, everybody else's stay."""

import json
from collections.abc import Iterator
from typing import Any

import pytest

from contracts.collector_keys import DRAINING, LINE_FIELD, POSTED, RATE, STREAM, TAKEN
from spark_jobs.erase.events import erase_events
from spark_jobs.rules.erased_ids import ErasedIds
from tests.serving.reader_world import RedisServer

PERSON, POST = 1_000_153, 1_152_921_573_326_324_436
IDS = ErasedIds(user=frozenset({PERSON, 12}), post=frozenset({POST}))


@pytest.fixture(scope="module")
def server() -> Iterator[RedisServer]:
    yield from RedisServer.running()


def line(**fields: Any) -> dict[bytes, bytes]:
    return {LINE_FIELD: json.dumps(fields).encode()}


THEIRS: list[dict[bytes, bytes]] = [
    line(user_id=PERSON, post_id=5),
    line(user_id=12, post_id=5),
    line(user_id=3, post_id=POST),
    line(author_id=PERSON, text="a"),
    {b"other": f"x{PERSON}".encode()},
    {LINE_FIELD: b"{ " + str(POST).encode()},
]
OTHERS: list[dict[bytes, bytes]] = [
    line(user_id=3, post_id=12),
    line(user_id=True, post_id=5),
    line(author_id=3, mentions=[PERSON]),
    line(user_id=3, text=f"about {PERSON}"),
    {LINE_FIELD: b"[12]"},
    {b"other": b"12"},
]


def test_only_their_entries_and_keys_go(server: RedisServer) -> None:
    client = server.client
    client.flushdb()
    for number in range(600):
        client.xadd(STREAM, line(user_id=3, post_id=number + 10**7))
    for theirs, others in zip(THEIRS, OTHERS, strict=True):
        client.xadd(STREAM, theirs)
        client.xadd(STREAM, others)
    for user in (PERSON, 12, 3):
        client.sadd(TAKEN.key(user, 7), f"{user}:a")
        client.set(RATE.key(user, 7), 1)
        client.sadd(POSTED.key(user, 7), 5)
    client.set(DRAINING, "1-0")
    assert erase_events(client, IDS) == {"entries": len(THEIRS), "keys": 6}
    kept = [fields for _, fields in client.xrange(STREAM)]
    assert kept[600:] == OTHERS
    keys = {STREAM, DRAINING, TAKEN.key(3, 7), RATE.key(3, 7), POSTED.key(3, 7)}
    assert {key.decode() for key in client.scan_iter()} == keys
    assert erase_events(client, IDS) == {"entries": 0, "keys": 0}


def test_a_collector_that_has_taken_nothing_has_nothing_to_erase(server: RedisServer) -> None:
    server.client.flushdb()
    assert erase_events(server.client, IDS) == {"entries": 0, "keys": 0}
