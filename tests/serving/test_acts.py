"""A feed shows what its user did with its posts."""

import json

import pytest

from contracts.epochs import MAX_ACTS
from contracts.redis_keys import acted_key
from serving.reader.acts import BIT_OF, parse_acts, shown_acts
from serving.reader.values import DamagedValueError
from tests.serving.reader_world import OpenReader, RedisServer, Seed

NOTHING = {"liked": False, "commented": False, "shared": False}
LIKE, COMMENT, SHARE = BIT_OF.values()


@pytest.fixture
def world(redis_server: RedisServer) -> RedisServer:
    redis_server.write_user(2, 1, [Seed(10 + n) for n in range(6)])
    redis_server.write_public(2, "popular", [Seed(900), Seed(901)])
    redis_server.flip(2)
    return redis_server


async def told(reader: OpenReader, user_id: int = 1) -> dict[int, dict[str, bool] | None]:
    async with reader() as client:
        posts = (await client.feed(user_id=user_id))["posts"]
    return {int(post["id"]): post["user_interaction"] for post in posts}


async def test_a_post_tells_what_its_user_did(world: RedisServer, open_reader: OpenReader) -> None:
    world.client.zadd(acted_key(1), {"like:11": 1, "comment:11": 2, "share:13": 3, "like:900": 4, "like:5": 5})
    world.client.zadd(acted_key(3), {"like:12": 1})
    assert await told(open_reader) == {
        10: NOTHING,
        11: {"liked": True, "commented": True, "shared": False},
        12: NOTHING,
        13: {"liked": False, "commented": False, "shared": True},
        14: NOTHING,
        15: NOTHING,
    }


async def test_public_pools_tell_it_too(world: RedisServer, open_reader: OpenReader) -> None:
    world.client.zadd(acted_key(2), {"like:901": 1})
    assert await told(open_reader, user_id=2) == {900: NOTHING, 901: NOTHING | {"liked": True}}


async def test_acts_that_cannot_be_read_are_not_known(world: RedisServer, open_reader: OpenReader) -> None:
    world.client.set(acted_key(1), b"no sorted set")
    assert await told(open_reader) == dict.fromkeys(range(10, 16))


async def test_without_redis_nothing_is_known(world: RedisServer, open_reader: OpenReader) -> None:
    world.client.zadd(acted_key(1), {"like:900": 1})
    async with open_reader() as client:
        await client.feed(user_id=1)
        world.kill()
        posts = (await client.feed(user_id=1))["posts"]
    world.start()
    assert [post["user_interaction"] for post in posts] == [None, None]


def test_members_that_are_no_acts_are_counted_and_passed_over() -> None:
    odd = [b"like:1", b"like:", b"like:x", b"follow:2", b"3", b"share:9223372036854775808", b"\xff", 5, b"share:1"]
    assert parse_acts(odd, 100) == ({1: LIKE | SHARE}, 7)
    assert parse_acts([], 100) == ({}, 0)


@pytest.mark.parametrize("reply", [None, 5, b"like:1", ValueError("WRONGTYPE"), [b"like:1"] * (MAX_ACTS + 1)])
def test_anything_else_is_damaged(reply: object) -> None:
    with pytest.raises(DamagedValueError):
        parse_acts(reply, MAX_ACTS)


def test_every_sum_of_acts_is_shown() -> None:
    assert shown_acts(None, 1) == "null"
    for bits in range(LIKE + COMMENT + SHARE + 1):
        shown = json.loads(shown_acts({1: bits}, 1))
        assert shown == {"liked": bool(bits & LIKE), "commented": bool(bits & COMMENT), "shared": bool(bits & SHARE)}
    assert json.loads(shown_acts({}, 1)) == NOTHING
