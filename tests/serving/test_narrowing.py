"""A user who may no longer see a post does not see it in a pool of an older epoch, on any level."""

import random
from typing import Any

import numpy as np
import pytest

from contracts.epochs import FLAG_PUBLIC, POOL_DTYPES, SOURCES, Pool
from contracts.redis_keys import NARROWED_KEY, fallback_key, parted_key, pool_key
from serving.reader.narrowing import Narrowed, Parted, parse_epochs, parse_parted, parse_scores, withheld_rows
from serving.reader.values import DamagedValueError
from tests.serving.hostile import LEAVES, strange_reply
from tests.serving.reader_world import Client, OpenReader, RedisServer, Seed

FRIEND, GROUP = SOURCES.index("friend"), SOURCES.index("group")
OPEN, CLOSED, IN_GROUP, POPULAR = 11, 12, 13, 14
POOL = [
    Seed(OPEN, 101),
    Seed(CLOSED, 101, is_public=False),
    Seed(IN_GROUP, 201, source="group", is_public=False),
    Seed(POPULAR, 301, source="popular"),
]
"""A group is named here by the same number as the author."""


def pool_of(epoch: int, rows: list[tuple[int, int, int, int, int]]) -> Pool:
    columns = {name: np.zeros(len(rows), dtype) for name, dtype in POOL_DTYPES.items()}
    for place, name in enumerate(("post_id", "author_id", "source_id", "source", "flags")):
        columns[name] = np.array([row[place] for row in rows], POOL_DTYPES[name])
    return Pool(epoch, 0, None, columns)


FOUR = [(1, 7, 7, FRIEND, FLAG_PUBLIC), (2, 7, 7, FRIEND, 0), (3, 8, 7, GROUP, 0), (2**63 - 1, 9, 9, FRIEND, 0)]


@pytest.mark.parametrize(
    ("narrowed", "parted", "rows"),
    [
        ({}, Parted(), set()),
        ({1: 4, 2**63 - 1: 5}, Parted(), {0, 3}),
        ({1: 3, 2: 2, 99: 9}, Parted(), set()),
        ({}, Parted(friends={7: 4}), {1}),
        ({}, Parted(friends={7: 3, 8: 4}), {2}),
        ({}, Parted(groups={7: 4}), {2}),
        ({}, Parted(groups={7: 3, 8: 4}), set()),
        ({2: 4}, Parted({9: 4}, {7: 4}), {1, 2, 3}),
    ],
)
def test_rows_that_only_an_older_epoch_would_show(narrowed: dict[int, int], parted: Parted, rows: set[int]) -> None:
    assert withheld_rows(pool_of(3, FOUR), narrowed, parted) == rows


def test_ended_ties_are_told_apart_by_kind_and_anything_else_is_refused() -> None:
    assert parse_parted([(b"friend:-5", 3.0), (b"group:5", 4.0)], 2) == Parted({-5: 3}, {5: 4})
    assert parse_parted([], 2) == Parted()
    member = b"friend:5"
    ties = [(b"5", 1.0), (b"page:5", 1.0), (b"friend:x", 1.0), (b"\xff", 1.0), (None, 1.0), (member, float("inf"))]
    for wrong in (
        *([tie] for tie in ties),
        [(member, -1.0)],
        [(member, 1.0)] * 3,
        [member],
        None,
        Exception("WRONGTYPE"),
    ):
        with pytest.raises(DamagedValueError):
            parse_parted(wrong, 2)


def test_posts_that_are_no_ids_are_left_out_and_scores_belong_to_what_was_asked() -> None:
    assert parse_epochs([(b"5", 3.0), (b"x", 3.0), (b"-6", 4.0), (b"7", float("inf"))], 4) == {5: 3, -6: 4}
    assert parse_scores([None, 3.0], [2**63 - 1, -5]) == {-5: 3}
    for wrong in (None, [1.0], Exception("WRONGTYPE")):
        with pytest.raises(DamagedValueError):
            parse_scores(wrong, [1, 2])


def test_of_two_that_know_the_same_tie_the_later_counts() -> None:
    one, other = Parted({1: 3, 2: 5}, {7: 1}), Parted({1: 4, 2: 4})
    assert one.joined(other) == Parted({1: 4, 2: 5}, {7: 1})


def test_the_newest_epoch_that_knows_more() -> None:
    assert (Narrowed().newest, Narrowed({1: 3, 2: 5}).newest) == (0, 5)


async def shown(client: Client, **parameters: Any) -> tuple[str, list[int]]:
    body = await client.feed(**parameters)
    return body["metadata"]["served_from"], [int(post["id"]) for post in body["posts"]]


@pytest.fixture
def world(redis_server: RedisServer) -> RedisServer:
    """Epoch 2 is stable, epoch 1 before it; both have the same pools, and nobody has narrowed anything."""
    for epoch in (1, 2):
        redis_server.write_user(epoch, 1, POOL)
        redis_server.write_public(epoch, "popular", [Seed(OPEN, 101), Seed(POPULAR, 301)])
        redis_server.write_public(epoch, "chronological", [Seed(POPULAR, 301), Seed(OPEN, 101)])
    redis_server.flip(2, previous=1)
    return redis_server


async def test_a_narrowed_post_is_in_no_pool_of_an_older_epoch(world: RedisServer, open_reader: OpenReader) -> None:
    world.client.zadd(NARROWED_KEY, {OPEN: 2})
    async with open_reader() as client:
        assert await shown(client) == ("redis", [OPEN, CLOSED, IN_GROUP, POPULAR]), "the epoch that knows it may"
        world.client.delete(pool_key(2, 1))
        assert await shown(client) == ("previous_epoch", [POPULAR])
        world.client.zadd(NARROWED_KEY, {OPEN: 3})
        await client.refresh()
        assert await shown(client, user_id=5) == ("popular", [POPULAR])
        assert await shown(client, user_id=5, filter="chronological") == ("chronological", [POPULAR])


async def test_a_cursor_from_before_the_flip_goes_on_without_it(world: RedisServer, open_reader: OpenReader) -> None:
    world.flip(1)
    async with open_reader() as client:
        own = (await client.feed(count=1))["next_cursor"]
        public = (await client.feed(user_id=5, count=1, filter="chronological"))["next_cursor"]
        world.client.zadd(NARROWED_KEY, {CLOSED: 2, OPEN: 2})
        world.client.zadd(parted_key(1), {"group:201": 2})
        world.flip(2, previous=1)
        await client.refresh()
        assert await shown(client, cursor=own) == ("redis", [POPULAR])
        assert await shown(client, user_id=5, cursor=public, filter="chronological") == ("chronological", [])


async def test_what_an_ended_friendship_or_membership_had_opened_is_shown_no_more(
    world: RedisServer, open_reader: OpenReader
) -> None:
    world.flip(1)
    async with open_reader() as client:
        first = await client.feed(count=1)
        world.client.zadd(parted_key(1), {"friend:101": 2, "group:201": 2})
        assert await shown(client) == ("redis", [OPEN, POPULAR])
        assert await shown(client, cursor=first["next_cursor"]) == ("redis", [POPULAR])
        assert await shown(client, filter="groups") == ("redis", [])


async def test_after_a_rollback_the_older_epoch_keeps_what_it_has_learnt(
    world: RedisServer, open_reader: OpenReader
) -> None:
    world.client.zadd(NARROWED_KEY, {POPULAR: 2})
    world.client.zadd(parted_key(1), {"friend:101": 2})
    async with open_reader() as client:
        assert await shown(client) == ("redis", [OPEN, CLOSED, IN_GROUP, POPULAR])
        world.flip(1)
        await client.refresh()
        assert await shown(client) == ("redis", [OPEN, IN_GROUP])
        assert await shown(client, user_id=5) == ("popular", [OPEN])


async def test_it_holds_from_the_next_request_not_from_the_next_refresh(
    world: RedisServer, open_reader: OpenReader
) -> None:
    world.flip(1)
    async with open_reader() as client:
        assert (await shown(client))[1] == [OPEN, CLOSED, IN_GROUP, POPULAR]
        world.client.zadd(NARROWED_KEY, {OPEN: 2, POPULAR: 2})
        assert (await shown(client))[1] == [CLOSED, IN_GROUP]
        assert (await shown(client, user_id=5))[1] == []


async def test_with_redis_down_memory_withholds_what_it_last_knew(
    redis_process: RedisServer, redis_server: RedisServer, open_reader: OpenReader
) -> None:
    redis_server.write_public(1, "popular", [Seed(OPEN, 101), Seed(POPULAR, 301)])
    redis_server.client.zadd(NARROWED_KEY, {OPEN: 2})
    redis_server.flip(1)
    async with open_reader() as client:
        redis_process.kill()
        try:
            assert await shown(client) == ("popular", [POPULAR])
        finally:
            redis_process.start()


async def test_ended_ties_that_cannot_be_read_leave_public_posts_only(
    world: RedisServer, open_reader: OpenReader
) -> None:
    async with open_reader() as client:
        world.client.set(parted_key(1), "no sorted set")
        assert await shown(client) == ("popular", [OPEN, POPULAR])
        world.client.delete(parted_key(1), fallback_key(2, "popular"))
        world.client.zadd(parted_key(1), {"page:1": 2})
        assert (await shown(client))[0] == "popular"


def test_no_reply_raises_anything_but_that_it_is_damaged() -> None:
    dice = random.Random(5)
    refused = 0
    for _ in range(3_000):
        reply = strange_reply(dice)
        if isinstance(reply, list) and dice.random() < 0.5:
            reply = [(part, dice.choice(LEAVES)) for part in reply] or [(b"friend:7", dice.choice(LEAVES))]
        for parse in (
            lambda reply: parse_parted(reply, 9),
            lambda reply: parse_epochs(reply, 9),
            lambda reply: parse_scores(reply, [1, 2]),
        ):
            try:
                parse(reply)
            except DamagedValueError:
                refused += 1
    assert 3_000 < refused < 9_000
