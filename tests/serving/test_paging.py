"""Paging over HTTP: nothing twice, nothing missing, and every response from one epoch."""

import asyncio
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from contracts.redis_keys import block_key, card_key, fallback_key, pool_key
from tests.serving.reader_world import BIG, Client, OpenReader, RedisServer, Seed

LONG = [
    Seed(BIG + n, author_id=100 + n % 7, source=("friend", "page", "group")[n % 3], created_at=10_000 + n * 37 % 50)
    for n in range(57)
]
IDS = [seed.post_id for seed in LONG]


def seed_world(server: RedisServer, epoch: int = 2, previous: int | None = None) -> None:
    server.write_user(epoch, 1, LONG)
    server.write_public(epoch, "popular", [Seed(5000 + n) for n in range(3)])
    server.flip(epoch, previous)


async def walk(client: Client, **parameters: Any) -> list[dict[str, Any]]:
    pages = [await client.feed(**parameters)]
    while pages[-1]["has_more"]:
        pages.append(await client.feed(cursor=pages[-1]["next_cursor"], **parameters))
    return pages


def ids_of(pages: list[dict[str, Any]]) -> list[int]:
    return [int(post["id"]) for page in pages for post in page["posts"]]


async def test_every_page_size_walks_the_same_feed(redis_server: RedisServer, open_reader: OpenReader) -> None:
    seed_world(redis_server)
    async with open_reader() as client:
        for count in (1, 7, 19, 50):
            pages = await walk(client, count=count)
            assert ids_of(pages) == IDS
            assert pages[-1]["next_cursor"] is None
        newest = sorted(LONG, key=lambda seed: (-seed.created_at, -seed.post_id))
        assert ids_of(await walk(client, count=8, filter="chronological")) == [seed.post_id for seed in newest]
        for feed_filter, source in (("friends", "friend"), ("pages", "page"), ("groups", "group")):
            expected = [seed.post_id for seed in LONG if seed.source == source]
            assert ids_of(await walk(client, count=8, filter=feed_filter)) == expected


@settings(max_examples=15, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(count=st.integers(1, 50), blocked=st.lists(st.sets(st.integers(100, 106)), min_size=1, max_size=4))
def test_blocks_between_pages_bring_no_duplicate_and_hide_only_the_blocked(
    redis_server: RedisServer, open_reader: OpenReader, count: int, blocked: list[set[int]]
) -> None:
    async def check() -> None:
        seen: list[int] = []
        ever_blocked: set[int] = set()
        async with open_reader() as client:
            cursor: dict[str, Any] = {}
            for turn in range(len(LONG) + 1):
                redis_server.client.delete(block_key(1))
                now_blocked = blocked[turn % len(blocked)] if turn else set()
                if now_blocked:
                    redis_server.client.sadd(block_key(1), *now_blocked)
                ever_blocked |= now_blocked
                page = await client.feed(count=count, **cursor)
                assert not {int(post["author"]["id"]) for post in page["posts"]} & now_blocked
                seen += ids_of([page])
                if not page["has_more"]:
                    break
                cursor = {"cursor": page["next_cursor"]}
        assert len(seen) == len(set(seen))
        assert seen == [post_id for post_id in IDS if post_id in set(seen)]
        assert {seed.post_id for seed in LONG if seed.author_id not in ever_blocked} <= set(seen)

    redis_server.client.flushall()
    seed_world(redis_server)
    asyncio.run(check())


async def test_paging_goes_on_in_its_epoch_after_a_flip_and_ends_when_that_is_removed(
    redis_server: RedisServer, open_reader: OpenReader
) -> None:
    seed_world(redis_server)
    async with open_reader() as client:
        first = await client.feed(count=20)
        redis_server.write_user(3, 1, [Seed(1), Seed(2)])
        redis_server.write_public(3, "popular", [Seed(3)])
        redis_server.flip(3, previous=2)
        await client.refresh()
        second = await client.feed(count=20, cursor=first["next_cursor"])
        assert second["metadata"]["epoch"] == 2
        assert ids_of([first, second]) == IDS[:40]
        assert await client.ids() == [1, 2]
        redis_server.client.delete(pool_key(2, 1))
        expired = await client.get(count=20, cursor=second["next_cursor"])
        assert (expired.status_code, expired.json()["detail"]) == (400, "cursor expired")


async def test_a_cursor_of_an_epoch_that_was_rolled_back_has_expired(
    redis_server: RedisServer, open_reader: OpenReader
) -> None:
    seed_world(redis_server)
    async with open_reader() as client:
        first = await client.feed(count=20)
        redis_server.write_user(1, 1, [Seed(1)])
        redis_server.write_public(1, "popular", [Seed(1)])
        redis_server.flip(1)
        await client.refresh()
        expired = await client.get(cursor=first["next_cursor"])
        assert (expired.status_code, expired.json()["detail"]) == (400, "cursor expired")


async def test_a_cursor_from_a_reader_that_saw_the_flip_first_is_understood(
    redis_server: RedisServer, open_reader: OpenReader
) -> None:
    redis_server.write_user(1, 1, [Seed(1)])
    redis_server.write_public(1, "popular", [Seed(1)])
    redis_server.flip(1)
    async with open_reader() as late:
        seed_world(redis_server, 2, previous=1)
        async with open_reader() as early:
            first = await early.feed(count=20)
        assert ids_of([await late.feed(count=50, cursor=first["next_cursor"])]) == IDS[20:]


async def test_an_epoch_removed_under_a_stale_pointer_is_answered_from_the_new_one(
    redis_server: RedisServer, open_reader: OpenReader
) -> None:
    seed_world(redis_server, 1)
    async with open_reader() as client:
        seed_world(redis_server, 2)
        redis_server.client.delete(pool_key(1, 1))
        body = await client.feed()
        assert (body["metadata"]["epoch"], body["metadata"]["served_from"]) == (2, "redis")
        seed_world(redis_server, 3)
        redis_server.client.delete(*(card_key(2, post_id) for post_id in IDS))
        body = await client.feed(count=50)
        assert (body["metadata"]["epoch"], len(body["posts"])) == (3, 50)


async def test_cursors_are_bound_to_their_user_and_filter(redis_server: RedisServer, open_reader: OpenReader) -> None:
    seed_world(redis_server)
    redis_server.write_user(2, 4, LONG)
    async with open_reader() as client:
        cursor = (await client.feed(count=5))["next_cursor"]
        for response in (
            await client.get(user_id=4, cursor=cursor),
            await client.get(filter="friends", cursor=cursor),
            await client.get(cursor="forged"),
            await client.get(cursor=("A" if cursor[0] != "A" else "B") + cursor[1:]),
        ):
            assert response.status_code == 400
            assert response.headers["content-type"] == "application/problem+json"
            assert response.json()["detail"] == "cursor not valid"
    async with open_reader(cursor_lifetime_s=0) as client:
        cursor = (await client.feed(count=5))["next_cursor"]
        assert (await client.get(cursor=cursor)).json()["detail"] == "cursor expired"


async def test_under_flips_every_response_is_of_one_epoch(redis_server: RedisServer, open_reader: OpenReader) -> None:
    seed_world(redis_server, 1)
    epochs: list[set[int]] = [set() for _ in range(4)]
    done = asyncio.Event()

    async def poll(client: Client, seen: set[int]) -> None:
        while not done.is_set():
            body = await client.feed(count=20)
            texts = {post["content"]["text"] for post in body["posts"]}
            assert texts == {f"epoch {body['metadata']['epoch']}"}
            assert len(body["posts"]) == 20
            seen.add(body["metadata"]["epoch"])
            await asyncio.sleep(0)

    async with open_reader(refresh_s=0.01) as client:
        polls = [asyncio.create_task(poll(client, seen)) for seen in epochs]
        try:
            for epoch in range(2, 8):
                seed_world(redis_server, epoch, previous=epoch - 1)
                old = [pool_key(epoch - 1, 1), fallback_key(epoch - 1, "popular")]
                redis_server.client.delete(*old, *(card_key(epoch - 1, post_id) for post_id in IDS))
                while not all(  # noqa: ASYNC110 - waits for what every poll has seen
                    epoch in seen or task.done() for seen, task in zip(epochs, polls, strict=True)
                ):
                    await asyncio.sleep(0.01)
        finally:
            done.set()
        await asyncio.gather(*polls)
    assert all(seen >= set(range(2, 8)) for seen in epochs)
