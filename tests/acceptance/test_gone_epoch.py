"""Cursors of an epoch that is gone cost one look at the pointer each, and one refresh together.

After a rollback every walk that is under way comes back with such a cursor. With 100,000 takedowns a refresh reads a
hundred batches, so refreshes are counted by what Redis says it was asked, and not by the clock.
"""

import asyncio
from collections.abc import Iterator

import pytest

from contracts.redis_keys import TAKEDOWN_KEY
from tests.serving.reader_world import GENERATED_AT, Client, RedisServer, Seed, open_reader_on

WALKS = 30
TAKEDOWNS = 100_000


@pytest.fixture(scope="module")
def server() -> Iterator[RedisServer]:
    yield from RedisServer.running()


@pytest.fixture
def world(server: RedisServer) -> RedisServer:
    server.client.flushall()
    for start in range(0, TAKEDOWNS, 10_000):
        server.client.sadd(TAKEDOWN_KEY, *range(10**6 + start, 10**6 + start + 10_000))
    for epoch in (1, 2):
        write_epoch(server, epoch)
    server.flip(2, 1)
    return server


def write_epoch(server: RedisServer, epoch: int) -> None:
    for user in range(WALKS):
        server.write_user(epoch, user, [Seed(20 + n) for n in range(10)])
    server.write_public(epoch, "popular", [Seed(900)])


def scans_of(server: RedisServer) -> int:
    """How many batches of takedowns Redis was asked for, ever."""
    calls: int = server.client.info("commandstats").get("cmdstat_sscan", {"calls": 0})["calls"]
    return calls


async def walk_on(client: Client, cursors: dict[int, str]) -> list[tuple[int, str]]:
    """Every walk's next page at once: status, and what is said of it."""
    answers = await asyncio.gather(*(client.get(user, cursor=cursor) for user, cursor in cursors.items()))
    return [(answer.status_code, answer.json().get("detail", "served")) for answer in answers]


async def first_pages(client: Client) -> dict[int, str]:
    return {user: (await client.feed(user, count=5))["next_cursor"] for user in range(WALKS)}


async def test_after_a_rollback_walks_end_without_any_refresh(world: RedisServer) -> None:
    async with open_reader_on(world) as client:
        one_refresh = scans_of(world)
        await client.refresh()
        one_refresh = scans_of(world) - one_refresh
        cursors = await first_pages(client)
        world.flip(1, None, GENERATED_AT + 60)
        await client.refresh()
        before = scans_of(world)
        answers = await walk_on(client, cursors)
        scans = scans_of(world) - before
    print(f"{WALKS} walks after a rollback: {answers[0]}, {scans} scans; one refresh takes {one_refresh}")
    assert one_refresh >= TAKEDOWNS // 1_500
    assert answers == [(400, "cursor expired")] * WALKS
    assert scans == 0


async def test_walks_of_an_epoch_that_this_reader_has_not_read_share_one_refresh(world: RedisServer) -> None:
    async with open_reader_on(world) as late:
        before = scans_of(world)
        await late.refresh()
        one_refresh = scans_of(world) - before
        write_epoch(world, 3)
        world.flip(3, 2, GENERATED_AT + 60)
        async with open_reader_on(world) as early:
            cursors = await first_pages(early)
        before = scans_of(world)
        answers = await walk_on(late, cursors)
        scans = scans_of(world) - before
    print(f"{WALKS} walks of a newer epoch: {answers[0]}, {scans} scans; one refresh takes {one_refresh}")
    assert answers == [(200, "served")] * WALKS
    assert scans <= 2 * one_refresh
