from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from pyspark.sql import SparkSession

from contracts.redis_keys import NARROWED_KEY, parted_key
from contracts.settings import Settings
from spark_jobs.night.night import Night
from spark_jobs.publish import narrowing
from tests.feed_rows import AS_OF, DS, MemoryLake, hours
from tests.serving.reader_world import RedisServer

EPOCH = 7
ANN, BOB, CAT, CLUB = 1, 2, 3, 80
EDITED = {"updated_at": hours(2), "version_received_at": hours(2)}
OLD = {"updated_at": hours(9), "superseded_at": hours(2), "superseded_received_at": hours(2)}
LATER = {"updated_at": AS_OF, "version_received_at": AS_OF}
LONG_AGO = AS_OF - timedelta(days=40)


@pytest.fixture(scope="module")
def server() -> Iterator[RedisServer]:
    yield from RedisServer.running()


def post(post_id: int, privacy: str, **facts: Any) -> dict[str, Any]:
    return {"post_id": post_id, "author_id": BOB, "source_id": BOB, "privacy": privacy, **EDITED, **facts}


def old(post_id: int, privacy: str, **facts: Any) -> dict[str, Any]:
    return {"post_id": post_id, "author_id": BOB, "source_id": BOB, "source_type": "friend", "privacy": privacy} | {
        "created_at": hours(9),
        "received_at": hours(9),
        **OLD,
        **facts,
    }


def tie(other: str, user: int, identity: int, ended: Any, *, told: Any = None, begun: Any = LONG_AGO) -> dict[str, Any]:
    return {"user_id": user, other: identity, "valid_from": begun, "received_at": begun} | {
        "valid_to": ended,
        "end_known_at": told or ended,
    }


ROWS: dict[str, list[dict[str, Any]]] = {
    "silver.posts": [
        post(10, "only_me"),
        post(11, "friends_except", audience=[CAT, ANN]),
        post(12, "custom", audience=[ANN]),
        post(13, "public"),  # opened
        post(14, "friends", text="better"),  # of another text only
        post(15, "only_me", is_deleted=True),
        post(16, "only_me", **LATER),
        post(17, "only_me", created_at=LONG_AGO),
        post(18, "public", source_type="group", source_id=CLUB),  # moved
        post(19, "custom", audience=[ANN, CAT]),  # the same list in another order
        post(20, "only_me"),  # never another rule
    ],
    "silver.post_edits": [
        old(10, "public"),
        old(10, "friends"),
        old(11, "friends_except", audience=[CAT]),
        old(12, "custom", audience=[ANN, CAT]),
        old(13, "friends"),
        old(14, "friends"),
        old(15, "public"),
        old(16, "public"),
        old(17, "public"),
        old(18, "public"),
        old(19, "custom", audience=[CAT, ANN]),
    ],
    "silver.friendships": [
        tie("friend_id", ANN, BOB, hours(5)),
        tie("friend_id", BOB, ANN, hours(5)),
        tie("friend_id", ANN, CAT, hours(50)),
        tie("friend_id", ANN, CAT, None, begun=hours(9)),  # friends again
        tie("friend_id", CAT, BOB, LONG_AGO + timedelta(days=1)),
        tie("friend_id", BOB, CAT, LONG_AGO + timedelta(days=1), told=hours(1)),  # told late
        tie("friend_id", CAT, 9, AS_OF + timedelta(hours=1)),
        tie("friend_id", 9, 8, None),
    ],
    "silver.group_memberships": [tie("group_id", ANN, CLUB, hours(5)), tie("group_id", BOB, CLUB, None)],
}


def test_what_narrowed_and_what_ended_is_told_with_the_first_epoch_that_knows(
    spark: SparkSession, server: RedisServer, tmp_path: Path
) -> None:
    night = Night(MemoryLake(spark, "no lake", rows=ROWS), DS, "", tmp_path, Settings(), server.url)
    client = server.client
    client.zadd(NARROWED_KEY, {10: 9, 5: 3, 6: 8})
    found = narrowing.additions(night, dict.fromkeys(ROWS, 0), EPOCH)
    assert narrowing.apply(found, night, 2) == 4 + 5
    assert dict(client.zrange(NARROWED_KEY, 0, -1, withscores=True)) == {
        b"10": 9,  # a score never falls
        b"11": EPOCH,
        b"12": EPOCH,
        b"16": EPOCH + 1,
        b"18": EPOCH,
        b"5": 3,
        b"6": 8,
    }
    assert {user: dict(client.zrange(parted_key(user), 0, -1, withscores=True)) for user in (ANN, BOB, CAT, 9)} == {
        ANN: {b"friend:2": EPOCH, b"group:80": EPOCH},
        BOB: {b"friend:1": EPOCH, b"friend:3": EPOCH},
        CAT: {b"friend:9": EPOCH + 1},
        9: {},
    }
    assert client.ttl(parted_key(ANN)) > night.settings.publish.key_ttl_s
    assert narrowing.apply(found, night, 2) == 0, "a rerun adds nothing"
    narrowing.forget(client, set())
    narrowing.forget(client, {EPOCH - 4, EPOCH})
    assert client.zscore(NARROWED_KEY, 5) is None
    assert client.zscore(NARROWED_KEY, 11) == EPOCH
