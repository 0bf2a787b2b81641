"""Posts made since the night, over HTTP: who sees them, what withholds them, and what happens when they are damaged."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from contracts.epochs import unpack_pool
from contracts.page_records import PageRecord
from contracts.redis_keys import (
    FRESHNESS_KEY,
    NARROWED_KEY,
    TAKEDOWN_KEY,
    block_key,
    card_key,
    fresh_key,
    hidden_key,
    parted_key,
    pool_key,
)
from replay.rebuild import rebuild
from replay.recorded import read_records
from serving.reader.redis_calls import StoreUnavailableError
from serving.reader.store import Store
from serving.reader.values import parse_card
from tests.serving.reader_world import GENERATED_AT, OpenReader, RedisServer, Seed, packed

POOL = [Seed(10 + n, 100 + n, "page", score=8.0 - n) for n in range(8)]
RANKED = [seed.post_id for seed in POOL]
PUBLIC = [Seed(900 + n, 300 + n, source="popular", reason="popular") for n in range(5)]
FRESH = Seed(500, 200, "friend", is_public=False, created_at=GENERATED_AT + 3_600, score=9.0)
LATER = Seed(501, 201, "friend", is_public=False, created_at=GENERATED_AT + 7_200, score=4.5)
MERGED = [500, 10, 11, 12, 13, 501, 14, 15, 16, 17]


def write_fresh(server: RedisServer, *seeds: Seed, epoch: int = 2, user: int = 1) -> None:
    server.write_pool(fresh_key(epoch, user), epoch, user, seeds)


@pytest.fixture
def world(redis_server: RedisServer) -> RedisServer:
    redis_server.write_user(2, 1, POOL)
    redis_server.write_public(2, "popular", PUBLIC)
    redis_server.flip(2)
    write_fresh(redis_server, FRESH, LATER)
    return redis_server


async def test_they_are_merged_by_score_and_counted(world: RedisServer, open_reader: OpenReader) -> None:
    world.client.set(FRESHNESS_KEY, GENERATED_AT)
    async with open_reader() as client:
        body = await client.feed()
        assert [int(post["id"]) for post in body["posts"]] == MERGED
        first = body["posts"][0]
        assert (first["source"]["type"], first["reason"][:11], first["propensity"]) == ("friend", "Your friend", 1)
        assert body["metadata"]["served_from"] == "redis"
        assert await client.ids(filter="friends") == [500]
        assert await client.ids(filter="groups") == []
        assert (await client.ids(filter="chronological"))[:2] == [501, 500]
        metrics = (await client.http.get("/metrics")).text
        assert "feedlake_fresh_posts_total 5.0" in metrics
        age = next(line for line in metrics.splitlines() if line.startswith("feedlake_fresh_pass_age_seconds"))
        assert float(age.split()[1]) > 1_000_000


@pytest.mark.usefixtures("world")
async def test_they_come_in_the_one_round_trip(open_reader: OpenReader, monkeypatch: pytest.MonkeyPatch) -> None:
    async with open_reader() as client:
        await client.ids()
        calls = client.app.state.store._calls
        trips: list[Any] = []
        guarded = calls.guarded

        async def counted(ask: Any) -> Any:
            trips.append(ask)
            return await guarded(ask)

        monkeypatch.setattr(calls, "guarded", counted)
        assert await client.ids() == MERGED
        assert len(trips) == 1


WITHHELD: dict[str, Callable[[Any], object]] = {
    "blocked": lambda redis: redis.sadd(block_key(1), 200),
    "hidden": lambda redis: redis.sadd(hidden_key(1), 500),
    "taken down": lambda redis: redis.sadd(TAKEDOWN_KEY, 500),
    "narrowed": lambda redis: redis.zadd(NARROWED_KEY, {500: 3}),
    "a former friend's": lambda redis: redis.zadd(parted_key(1), {"friend:200": 3}),
}


@pytest.mark.parametrize("why", WITHHELD)
async def test_what_withholds_a_ranked_post_withholds_a_fresh_one_at_once(
    world: RedisServer, open_reader: OpenReader, why: str
) -> None:
    async with open_reader() as client:
        assert 500 in await client.ids()
        WITHHELD[why](world.client)
        assert await client.ids() == [10, 11, 12, 13, 501, 14, 15, 16, 17]


DAMAGED = {
    "absent": None,
    "no pool": b"junk",
    "cut": packed(2, 1, [FRESH])[:-3],
    "of another user": packed(2, 7, [FRESH]),
    "of another epoch": packed(1, 1, [FRESH]),
    "too long": b"x" * 70_000,
}


@pytest.mark.parametrize("how", DAMAGED)
async def test_without_a_value_that_can_be_read_the_feed_is_the_ranked_one(
    world: RedisServer, open_reader: OpenReader, how: str
) -> None:
    value = DAMAGED[how]
    async with open_reader() as client:
        first = await client.feed(count=3)
        world.client.delete(fresh_key(2, 1))
        if value is not None:
            world.client.set(fresh_key(2, 1), value)
        assert await client.ids() == RANKED
        rest = await client.ids(cursor=first["next_cursor"])
        assert [int(post["id"]) for post in first["posts"]] + rest == [500, *RANKED]
        metrics = (await client.http.get("/metrics")).text
        refused = [line for line in metrics.splitlines() if 'damaged_values_total{kind="fresh"}' in line]
        assert bool(refused) == (value is not None)


async def test_a_value_of_another_type_is_refused(world: RedisServer, open_reader: OpenReader) -> None:
    world.client.delete(fresh_key(2, 1))
    world.client.sadd(fresh_key(2, 1), 1)
    world.client.sadd(FRESHNESS_KEY, 1)
    async with open_reader() as client:
        assert await client.ids() == RANKED
        assert 'damaged_values_total{kind="freshness"}' in (await client.http.get("/metrics")).text


@pytest.mark.usefixtures("world")
async def test_a_refresh_does_not_depend_on_the_time_of_a_pass(
    open_reader: OpenReader, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with open_reader() as client:
        read = Store.read_values

        async def silent_about_passes(store: Store, keys: Sequence[str], longest: int) -> list[object]:
            if FRESHNESS_KEY in keys:
                raise StoreUnavailableError("the master of this key does not answer")
            return await read(store, keys, longest)

        monkeypatch.setattr(Store, "read_values", silent_about_passes)
        await client.refresh()


async def test_pages_fit_together_whatever_passes_do_between_them(world: RedisServer, open_reader: OpenReader) -> None:
    async with open_reader() as client:
        page = await client.feed(count=2)
        seen = [int(post["id"]) for post in page["posts"]]
        between: list[list[Seed]] = [[Seed(502, 202, score=8.5), FRESH, LATER], [LATER], [Seed(503, score=7.9), LATER]]
        while page["has_more"]:
            if between:
                write_fresh(world, *between.pop(0))
            page = await client.feed(count=2, cursor=page["next_cursor"])
            seen += [int(post["id"]) for post in page["posts"]]
        assert seen == MERGED
        assert (await client.ids())[0] == 10
        assert 503 in await client.ids()


async def test_other_levels_have_none(world: RedisServer, open_reader: OpenReader) -> None:
    async with open_reader() as client:
        world.client.delete(pool_key(2, 1))
        world.client.set(pool_key(1, 1), packed(1, 1, POOL))
        write_fresh(world, replace(FRESH, is_public=True), epoch=1)
        assert [int(p["id"]) for p in (await client.feed())["posts"]] == [seed.post_id for seed in PUBLIC]
        world.flip(2, previous=1, published_at=GENERATED_AT + 1)
        for seed in POOL:
            world.client.set(card_key(1, seed.post_id), world.client.get(card_key(2, seed.post_id)))
        await client.refresh()
        body = await client.feed(count=3)
        assert body["metadata"]["served_from"] == "previous_epoch"
        rest = await client.ids(cursor=body["next_cursor"])
        assert [int(post["id"]) for post in body["posts"]] + rest == RANKED


def made_again(record: PageRecord, server: RedisServer) -> list[bytes]:
    """The page from its record and what the lake has: the pool and the cards of its posts."""
    cards = {post: parse_card(server.client.get(card_key(2, post)), post) for post in RANKED}
    pool = unpack_pool(server.client.get(pool_key(2, 1)))
    found = rebuild(record, pool, {post: card for post, card in cards.items() if card is not None})
    assert found.differences == ()
    assert found.page is not None
    return found.page.posts


async def test_a_page_is_rebuilt_from_its_record(world: RedisServer, open_reader: OpenReader, tmp_path: Path) -> None:
    bodies: list[bytes] = []
    world.client.sadd(block_key(1), 101)
    async with open_reader(records=tmp_path / "records", replay_share=1.0) as client:
        for feed_filter in ("all", "friends", "chronological"):
            query: dict[str, Any] = {"count": 3, "filter": feed_filter}
            for _ in range(3):
                answer = await client.get(1, **query)
                bodies.append(answer.content)
                if not answer.json()["has_more"]:
                    break
                query["cursor"] = answer.json()["next_cursor"]
    world.client.delete(fresh_key(2, 1), card_key(2, 500), card_key(2, 501))
    records = list(read_records(tmp_path / "records"))
    assert len(records) == len(bodies) == 7
    assert any(record.passed for record in records)
    for record, body in zip(records, bodies, strict=True):
        assert PageRecord.loads(record.dumps()) == record
        assert body.startswith(b'{"posts":[' + b",".join(made_again(record, world)) + b'],"next_cursor"')
