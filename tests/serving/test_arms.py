"""A user of an arm gets the arm's pool where there is one, on every page and level, and the common one elsewhere."""

from typing import Any

import pytest

from contracts.redis_keys import pool_key
from serving.reader.cursor import EXPIRED, NOT_VALID
from tests.serving.reader_world import Client, OpenReader, RedisServer, Seed

COMMON = [Seed(100 + n) for n in range(9)]
DEEP = [Seed(200 + n) for n in range(9)]
OLD_DEEP = [Seed(300)]
ARMED = 1


def ids(seeds: list[Seed]) -> list[int]:
    return [seed.post_id for seed in seeds]


def arm_of(user_id: int) -> str | None:
    return "deep" if user_id == ARMED else None


@pytest.fixture
def world(redis_server: RedisServer) -> RedisServer:
    for user in (ARMED, 2):
        redis_server.write_user(2, user, COMMON)
        redis_server.write_user(1, user, [Seed(400)])
        redis_server.write_pool(pool_key(2, user, "deep"), 2, user, DEEP)
    redis_server.write_pool(pool_key(1, ARMED, "deep"), 1, ARMED, OLD_DEEP)
    redis_server.write_public(2, "popular", [Seed(5)])
    redis_server.flip(2, 1)
    return redis_server


async def walk(client: Client, **parameters: Any) -> list[int]:
    page = await client.feed(ARMED, count=4, **parameters)
    found = [int(post["id"]) for post in page["posts"]]
    return found + (await walk(client, cursor=page["next_cursor"]) if page["has_more"] else [])


async def test_pages_go_on_in_the_pool_that_they_began_in(world: RedisServer, open_reader: OpenReader) -> None:
    async with open_reader(arm_of=arm_of) as client:
        assert await walk(client) == ids(DEEP)
        assert await client.ids(2) == ids(COMMON)
        world.client.delete(pool_key(2, ARMED, "deep"))
        assert await walk(client) == ids(COMMON)
        first = await client.feed(ARMED, count=4)
        world.write_pool(pool_key(2, ARMED, "deep"), 2, ARMED, DEEP)
        assert await client.ids(ARMED, cursor=first["next_cursor"]) == ids(COMMON)[4:]


async def test_a_damaged_pool_of_an_arm_is_an_absent_one(world: RedisServer, open_reader: OpenReader) -> None:
    async with open_reader(arm_of=arm_of) as client:
        for damage in (b"x", world.client.get(pool_key(2, 2)), world.client.get(pool_key(1, ARMED, "deep"))):
            world.client.set(pool_key(2, ARMED, "deep"), damage)
            feed = await client.feed(ARMED)
            assert [int(post["id"]) for post in feed["posts"]] == ids(COMMON)
            assert (feed["metadata"]["served_from"], feed["metadata"]["ab_test_group"]) == ("redis", "deep")


async def test_the_epoch_before_is_that_of_the_arm_too(world: RedisServer, open_reader: OpenReader) -> None:
    world.client.delete(pool_key(2, ARMED), pool_key(2, ARMED, "deep"), pool_key(2, 2))
    async with open_reader(arm_of=arm_of) as client:
        assert (await client.feed(ARMED))["metadata"]["served_from"] == "previous_epoch"
        assert (await client.ids(ARMED), await client.ids(2)) == (ids(OLD_DEEP), [400])
        world.client.delete(pool_key(1, ARMED, "deep"))
        assert await client.ids(ARMED) == [400]


async def test_a_cursor_of_an_arm_ends_with_it(world: RedisServer, open_reader: OpenReader) -> None:
    async with open_reader(arm_of=arm_of) as client:
        cursor = (await client.feed(ARMED, count=4))["next_cursor"]
        client.app.state.arm_of = lambda _: "other"
        assert (await client.get(ARMED, cursor=cursor)).json()["detail"] == NOT_VALID
        client.app.state.arm_of = arm_of
        world.client.delete(pool_key(2, ARMED, "deep"))
        assert (await client.get(ARMED, cursor=cursor)).json()["detail"] == EXPIRED


async def test_with_redis_gone_everybody_gets_public_posts(world: RedisServer, open_reader: OpenReader) -> None:
    async with open_reader(arm_of=arm_of) as client:
        world.kill()
        try:
            feed = await client.feed(ARMED)
        finally:
            world.start()
    assert [post["id"] for post in feed["posts"]] == ["5"]
    assert (feed["metadata"]["served_from"], feed["metadata"]["ab_test_group"]) == ("popular", "deep")
    assert world.client.ping()
