"""Which level answers if something is missing, damaged or down; nobody sees what they may not."""

import asyncio
from typing import Any

import pytest

from contracts.redis_keys import TAKEDOWN_KEY, block_key, card_key, fallback_key, hidden_key, pool_key
from tests.serving.reader_world import Client, OpenReader, RedisServer, Seed

PUBLIC = [Seed(900 + n, author_id=300 + n, source="popular", reason="popular") for n in range(4)]


def seed_world(server: RedisServer) -> None:
    """Epoch 2 is stable and has the pool [21, 22, 23], epoch 1 has [11 private, 12]; four popular, one recent post."""
    server.write_user(2, 1, [Seed(21, 101, is_public=False), Seed(22, 102), Seed(23, 103, source="page")])
    server.write_user(1, 1, [Seed(11, 101, is_public=False), Seed(12, 102)])
    server.write_public(2, "popular", PUBLIC)
    server.write_public(2, "chronological", [Seed(950, 350, source="chronological", reason="recent")])
    server.flip(2, previous=1)


@pytest.fixture
def world(redis_server: RedisServer) -> RedisServer:
    seed_world(redis_server)
    return redis_server


async def served(client: Client, **parameters: Any) -> tuple[str, list[int], int]:
    body = await client.feed(**parameters)
    metadata = body["metadata"]
    return metadata["served_from"], [int(post["id"]) for post in body["posts"]], metadata["epoch"]


async def test_the_stable_epoch_answers(world: RedisServer, open_reader: OpenReader) -> None:
    async with open_reader() as client:
        assert await served(client) == ("redis", [21, 22, 23], 2)
    assert world.client.ping()


async def test_a_missing_pool_falls_to_the_public_posts_of_the_previous_epoch(
    world: RedisServer, open_reader: OpenReader
) -> None:
    world.client.delete(pool_key(2, 1))
    async with open_reader() as client:
        assert await served(client) == ("previous_epoch", [12], 1)


@pytest.mark.parametrize("is_redis_up", [True, False])
async def test_a_post_that_left_a_public_pool_within_its_epoch_is_not_kept_in_memory(
    world: RedisServer, open_reader: OpenReader, *, is_redis_up: bool
) -> None:
    """As an erasure does it: the post is in ``takedown`` only while pools and cards are rewritten."""
    async with open_reader(refresh_s=0.02) as client:
        assert await served(client, user_id=5) == ("popular", [900, 901, 902, 903], 2)
        world.client.sadd(TAKEDOWN_KEY, 901)
        world.write_public(2, "popular", [PUBLIC[0], *PUBLIC[2:]])
        world.client.delete(card_key(2, 901))
        await asyncio.sleep(0.5)
        world.client.srem(TAKEDOWN_KEY, 901)
        await asyncio.sleep(0.2)
        if not is_redis_up:
            world.kill()
        assert await served(client, user_id=5) == ("popular", [900, 902, 903], 2)
    if not is_redis_up:
        world.start()


@pytest.mark.parametrize("damage", [b"", b"no pool"])
async def test_a_public_pool_that_is_damaged_within_its_epoch_stays_in_memory(
    world: RedisServer, open_reader: OpenReader, damage: bytes
) -> None:
    async with open_reader(refresh_s=0.02) as client:
        for kind in ("popular", "chronological"):
            world.client.set(fallback_key(2, kind), damage)
        await asyncio.sleep(0.3)
        assert await served(client, user_id=5) == ("popular", [900, 901, 902, 903], 2)


@pytest.mark.parametrize("damage", [b"", b"FLPL", b"x" * 200])
async def test_a_damaged_pool_falls_to_the_previous_epoch(
    world: RedisServer, open_reader: OpenReader, damage: bytes
) -> None:
    world.client.set(pool_key(2, 1), damage)
    async with open_reader() as client:
        assert (await served(client))[0] == "previous_epoch"


async def test_a_pool_of_another_epoch_or_type_is_not_served(world: RedisServer, open_reader: OpenReader) -> None:
    world.client.set(pool_key(2, 1), world.client.get(pool_key(1, 1)))
    async with open_reader() as client:
        assert await served(client) == ("previous_epoch", [12], 1)
        world.client.delete(pool_key(2, 1))
        world.client.sadd(pool_key(2, 1), 1)
        assert await served(client) == ("previous_epoch", [12], 1)


async def test_a_new_user_gets_the_popular_posts_then_the_recent_ones(
    world: RedisServer, open_reader: OpenReader
) -> None:
    async with open_reader() as client:
        assert await served(client, user_id=5) == ("popular", [900, 901, 902, 903], 2)
    world.client.delete(fallback_key(2, "popular"))
    async with open_reader() as client:
        assert await served(client, user_id=5) == ("chronological", [950], 2)
    world.client.set(fallback_key(2, "chronological"), b"damaged")
    async with open_reader() as client:
        response = await client.get(user_id=5)
        assert (response.status_code, response.json()["title"]) == (503, "Service Unavailable")


async def test_public_pools_serve_public_posts_only(redis_server: RedisServer, open_reader: OpenReader) -> None:
    redis_server.write_public(2, "popular", [Seed(1, is_public=False), Seed(2), Seed(3), Seed(4)])
    # Cards that say otherwise than the pool: one of a friends-only post, one of a public post in a group.
    redis_server.write_user(3, 9, [Seed(3, is_public=False), Seed(4, source="group")])
    for post_id in (3, 4):
        redis_server.client.rename(card_key(3, post_id), card_key(2, post_id))
    redis_server.flip(2)
    async with open_reader() as client:
        body = await client.feed(user_id=5)
    assert [post["id"] for post in body["posts"]] == ["2"]


async def test_suppression_holds_on_every_level_and_from_the_next_request(
    world: RedisServer, open_reader: OpenReader
) -> None:
    async with open_reader() as client:
        assert await client.ids() == [21, 22, 23]
        world.client.sadd(TAKEDOWN_KEY, 21, 12, 900)
        world.client.sadd(hidden_key(1), 22, 901)
        world.client.sadd(block_key(1), 103, 302)
        assert await served(client) == ("popular", [903], 2)
        world.client.srem(block_key(1), 103)
        assert await served(client) == ("redis", [23], 2)


async def test_all_is_never_empty_but_an_explicit_filter_may_be(world: RedisServer, open_reader: OpenReader) -> None:
    world.client.sadd(hidden_key(1), 21, 22, 23, 12)
    async with open_reader() as client:
        assert (await served(client))[:2] == ("popular", [900, 901, 902, 903])
        assert await served(client, filter="friends") == ("redis", [], 2)
        assert await served(client, filter="groups") == ("redis", [], 2)
        assert (await client.feed(filter="groups"))["has_more"] is False


async def test_a_post_without_a_card_is_passed_over_and_the_page_filled(
    world: RedisServer, open_reader: OpenReader
) -> None:
    world.client.delete(card_key(2, 21))
    async with open_reader() as client:
        assert await client.ids(count=2) == [22, 23]


async def test_with_redis_down_the_popular_posts_in_memory_answer(
    redis_process: RedisServer, redis_server: RedisServer, open_reader: OpenReader
) -> None:
    seed_world(redis_server)
    redis_server.client.sadd(block_key(1), 301)
    redis_server.client.sadd(block_key(301), 1, 6)
    redis_server.client.sadd(hidden_key(1), 902)
    redis_server.client.sadd(TAKEDOWN_KEY, 903)
    async with open_reader() as client:
        first = await client.feed(count=1)
        redis_process.kill()
        try:
            assert await served(client) == ("popular", [900], 2)
            assert await served(client, user_id=6) == ("popular", [900, 902], 2)
            assert await served(client, user_id=7) == ("popular", [900, 901, 902], 2)
            assert await served(client, count=1, cursor=first["next_cursor"]) == ("popular", [900], 2)
            assert (await served(client, filter="friends"))[1] == []
            page = await client.feed(user_id=7, count=2)
            assert await client.ids(user_id=7, count=2, cursor=page["next_cursor"]) == [902]
            assert (await client.http.get("/readyz")).status_code == 503
            assert (await client.http.get("/healthz")).status_code == 200
            assert 'breaker_state{dependency="redis"} 2.0' in (await client.http.get("/metrics")).text
        finally:
            redis_process.start()
        seed_world(redis_process)
        await asyncio.sleep(0.25)
        assert (await served(client))[0] == "redis"
        assert (await client.http.get("/readyz")).status_code == 200


async def test_authors_whose_blocks_are_too_many_to_copy_are_left_out_with_redis_down(
    redis_process: RedisServer, redis_server: RedisServer, open_reader: OpenReader
) -> None:
    seed_world(redis_server)
    redis_server.client.sadd(block_key(300), *range(1000, 1011))
    async with open_reader(max_blocks_per_author=10) as client:
        assert await client.ids(user_id=5) == [900, 901, 902, 903]
        redis_process.kill()
        try:
            assert await client.ids(user_id=5) == [901, 902, 903]
        finally:
            redis_process.start()


async def test_without_redis_from_the_start_the_answer_is_a_503(
    redis_process: RedisServer, redis_server: RedisServer, open_reader: OpenReader
) -> None:
    redis_process.kill()
    try:
        async with open_reader() as client:
            response = await client.get()
            assert response.status_code == 503
            assert response.headers["content-type"] == "application/problem+json"
            redis_process.start()
            seed_world(redis_server)
            await client.refresh()
            assert (await served(client))[0] == "redis"
    finally:
        redis_process.kill()
        redis_process.start()


async def test_an_open_breaker_asks_redis_nothing_until_its_time_is_over(
    redis_process: RedisServer, redis_server: RedisServer, open_reader: OpenReader
) -> None:
    seed_world(redis_server)
    async with open_reader(breaker_open_s=3600.0) as client:
        redis_process.kill()
        try:
            for _ in range(5):
                assert (await served(client))[0] == "popular"
        finally:
            redis_process.start()
        seed_world(redis_server)
        await client.refresh()
        assert (await served(client))[0] == "popular"
