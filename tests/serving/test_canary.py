"""Who reads a canary, and that moving it leaves no page mixed or empty. Epoch 1 is before, 2 current, 3 the canary."""

from typing import Any

import pytest

from contracts.epoch_status import withdrawn
from contracts.pointer import Canary, Pointer, place_of
from contracts.redis_keys import pool_key
from serving.reader.redis_calls import RedisCalls
from tests.serving.reader_world import GENERATED_AT, Client, OpenReader, RedisServer, Seed

INSIDE = next(user for user in range(1, 100) if place_of(user) < 0.1)
OUTSIDE = next(user for user in range(1, 100) if place_of(user) >= 0.9)
STABLE = Pointer(2, 1, GENERATED_AT)
LIVE = Pointer(2, 1, GENERATED_AT + 1, Canary(3, 0.1))
BACK = withdrawn(LIVE, {3}, GENERATED_AT + 2)
SIZE = 12


@pytest.fixture
def world(redis_server: RedisServer) -> RedisServer:
    for epoch in (1, 2, 3):
        for user in (INSIDE, OUTSIDE):
            redis_server.write_user(epoch, user, [Seed(1000 * epoch + n) for n in range(SIZE)])
        redis_server.write_public(epoch, "popular", [Seed(1000 * epoch + 500)])
    redis_server.point(LIVE)
    return redis_server


def remove(server: RedisServer, epoch: int) -> None:
    keys = [*server.client.scan_iter(f"*:{epoch}:*")]
    server.client.delete(*keys)


def epoch_of(page: dict[str, Any]) -> int:
    """The page's epoch, which all its posts are of."""
    (epoch,) = {int(post["id"]) // 1000 for post in page["posts"]}
    assert epoch == page["metadata"]["epoch"]
    return epoch


async def epochs_read(client: Client) -> tuple[int, int]:
    return epoch_of(await client.feed(INSIDE)), epoch_of(await client.feed(OUTSIDE))


async def test_the_chosen_read_the_canary_in_one_round_trip(
    world: RedisServer, open_reader: OpenReader, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert world.client.exists(pool_key(3, INSIDE))
    async with open_reader() as client:
        assert await epochs_read(client) == (3, 2)
        trips: list[int] = []
        execute = RedisCalls._execute

        async def counted(calls: RedisCalls, ask: Any) -> Any:
            trips.append(1)
            return await execute(calls, ask)

        monkeypatch.setattr(RedisCalls, "_execute", counted)
        page = await client.feed(INSIDE)
        assert (len(trips), page["metadata"]["served_from"], len(page["posts"])) == (1, "redis", SIZE)


@pytest.mark.parametrize("are_keys_gone", [False, True])
async def test_a_canary_taken_back_is_left_with_the_next_request(
    world: RedisServer, open_reader: OpenReader, *, are_keys_gone: bool
) -> None:
    async with open_reader() as client:
        assert await epochs_read(client) == (3, 2)
        assert BACK is not None
        world.point(BACK)
        if are_keys_gone:
            remove(world, 3)
        page = await client.feed(INSIDE)  # the pointer in memory still names the canary
        assert (epoch_of(page), page["metadata"]["served_from"], len(page["posts"])) == (2, "redis", SIZE)
        assert await epochs_read(client) == (2, 2)


async def test_a_canary_is_entered_moved_up_and_made_current_with_the_next_request(
    world: RedisServer, open_reader: OpenReader
) -> None:
    world.point(STABLE)
    async with open_reader() as client:
        assert await epochs_read(client) == (2, 2)
        world.point(LIVE)
        assert await epochs_read(client) == (3, 2)
        world.point(LIVE.next(2, 1, 0, Canary(3, 0.9999)))
        assert await epochs_read(client) == (3, 3)
        world.point(LIVE.next(3, 2, GENERATED_AT + 9))
        await client.refresh()
        assert await epochs_read(client) == (3, 3)


async def test_a_walk_stays_on_its_epoch_or_says_expired(world: RedisServer, open_reader: OpenReader) -> None:
    world.point(STABLE)
    async with open_reader() as client:
        begun = await client.feed(INSIDE, count=5)
        world.point(LIVE)
        assert epoch_of(await client.feed(INSIDE, count=5)) == 3
        second = await client.feed(INSIDE, count=5, cursor=begun["next_cursor"])
        assert epoch_of(second) == 2
        on_canary = await client.feed(INSIDE, count=5)
        assert BACK is not None
        world.point(BACK)
        remove(world, 3)
        expired = await client.get(INSIDE, count=5, cursor=on_canary["next_cursor"])
        assert (expired.status_code, expired.json()["detail"]) == (400, "cursor expired")
        third = await client.feed(INSIDE, count=5, cursor=second["next_cursor"])
        assert epoch_of(third) == 2
        assert [int(post["id"]) for page in (begun, second, third) for post in page["posts"]] == [
            2000 + n for n in range(SIZE)
        ]
        await client.refresh()
        assert (await client.get(INSIDE, count=5, cursor=on_canary["next_cursor"])).status_code == 400


async def test_one_arm_s_canary_and_one_arm_held_back(world: RedisServer, open_reader: OpenReader) -> None:
    arms = {INSIDE: "deep", OUTSIDE: "wide"}
    world.point(Pointer(2, 1, GENERATED_AT, Canary(3, 1.0, "deep"), (("wide", 1),)))
    async with open_reader(arm_of=arms.get) as client:
        assert await epochs_read(client) == (3, 1)
        world.point(Pointer(2, 1, GENERATED_AT + 1))
        assert await epochs_read(client) == (2, 2)


async def test_without_a_pool_in_the_canary_the_current_epoch_answers(
    world: RedisServer, open_reader: OpenReader
) -> None:
    world.client.delete(pool_key(3, INSIDE))
    async with open_reader() as client:
        page = await client.feed(INSIDE)
        assert (epoch_of(page), page["metadata"]["served_from"], len(page["posts"])) == (2, "previous_epoch", SIZE)
