"""Two arms' pools in one epoch: each reader gets their own, the sweep and an erasure remove both.

Pools and cards are packed and written by the publisher's own code, from Arrow batches as Spark hands them over.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from contracts.epochs import FLAG_PUBLIC, POOL_DTYPES, pack_pool
from contracts.pointer import Pointer
from contracts.redis_key_kind import FALLBACKS
from contracts.redis_keys import POOL, fallback_key, parse_key, pool_key
from contracts.settings import ErasureRules, PublishRules, Settings
from serving.reader.redis_calls import RedisCalls
from spark_jobs.erase.keys import erase_keys
from spark_jobs.erase.needles import Needles
from spark_jobs.erase.search import search_redis
from spark_jobs.erase.search_list import SearchList
from spark_jobs.publish import epoch_store
from spark_jobs.publish.loading import Kind, Target, write
from tests.serving.reader_world import GENERATED_AT, Client, RedisServer, Seed, card_of, open_reader_on

USERS = range(1_000_000, 1_000_200)
POOL_SIZE, PAGE = 30, 12
SHIFT = {None: 0, "deep": 1_000, "fresh": 2_000}
"""The posts of each arm's pools; ``ghost`` is an arm without pools of its own."""
POSTS = 10**15
ERASED = USERS[4]
"""In the arm ``deep``, and the author of a post in every pool of everybody."""
RULES = Settings(publish=PublishRules(), erasure=ErasureRules(reader_refresh_s=0.0))


def arm_of(user_id: int) -> str | None:
    return ("deep", "fresh", "ghost", None)[user_id % 4]


def ranked(user_id: int, arm: str | None) -> list[int]:
    """The user's pool under an arm: its own posts, in an order of the user's own."""
    order = np.random.default_rng([user_id, SHIFT[arm]]).permutation(POOL_SIZE)
    return [POSTS + SHIFT[arm] + int(place) for place in order]


def author_of(post_id: int) -> int:
    return ERASED if post_id % 1_000 == 7 else 5_000_000 + post_id % 1_000


def expected(user_id: int) -> list[int]:
    arm = arm_of(user_id)
    return ranked(user_id, arm if arm in SHIFT else None)


@pytest.fixture
def server() -> Iterator[RedisServer]:
    yield from RedisServer.running()


def columns_of(posts: Sequence[int]) -> dict[str, Any]:
    columns: dict[str, Any] = {name: np.zeros(len(posts), dtype) for name, dtype in POOL_DTYPES.items()}
    authors = np.array([author_of(post) for post in posts])
    ids = {"post_id": np.array(posts), "author_id": authors, "source_id": authors}
    return columns | ids | {"flags": np.full(len(posts), FLAG_PUBLIC, "u1")}


def publish(server: RedisServer, epoch: int, previous: int | None) -> int:
    """An epoch with common pools of everybody, pools of two arms, cards and public pools; returns its keys."""

    def put(kind: Kind, columns: dict[str, Any], arm: str | None = None) -> int:
        target = Target(server.url, epoch, kind, GENERATED_AT, RULES.publish, arm)
        return write([pa.RecordBatch.from_pydict(columns)], target)[0]

    with epoch_store.connect(server.url, RULES.publish) as client:
        seen, claimed = epoch_store.read_pointer(client), epoch_store.claim(client)
    num_keys = 0
    for arm in SHIFT:
        users = [user for user in USERS if arm in (None, arm_of(user))]
        rows = columns_of([post for user in users for post in ranked(user, arm)])
        num_keys += put("pool", {"user_id": np.repeat(users, POOL_SIZE), **rows}, arm)
    posts = [POSTS + shift + n for shift in SHIFT.values() for n in range(POOL_SIZE)]
    cards = [card_of(Seed(post, author_of(post)), epoch) for post in posts]
    num_keys += put("card", {"post_id": posts, "value": cards})
    for name in FALLBACKS:
        server.client.set(
            fallback_key(epoch, name), pack_pool(epoch, GENERATED_AT, None, columns_of(posts[:POOL_SIZE]))
        )
    with epoch_store.connect(server.url, RULES.publish) as client:
        epoch_store.flip(client, seen, Pointer(epoch, previous, GENERATED_AT + epoch), claimed)
    return num_keys + len(FALLBACKS)


async def whole_feed(client: Client, user_id: int) -> tuple[list[int], set[tuple[str, str | None]]]:
    """All posts of a user's feed, page by page, and what the pages said of level and arm."""
    posts: list[int] = []
    answers: set[tuple[str, str | None]] = set()
    cursor: dict[str, Any] = {}
    while True:
        page = await client.feed(user_id, count=PAGE, **cursor)
        posts += [int(post["id"]) for post in page["posts"]]
        answers.add((page["metadata"]["served_from"], page["metadata"]["ab_test_group"]))
        if not page["has_more"]:
            return posts, answers
        cursor = {"cursor": page["next_cursor"]}


def pools_in(server: RedisServer) -> Counter[tuple[int | None, str | None]]:
    """Pools by epoch and arm."""
    keys = (parse_key(key) for key in server.client.scan_iter(count=1000))
    return Counter((key.epoch, key.arm) for key in keys if key is not None and key.kind is POOL)


async def test_arms(server: RedisServer, monkeypatch: pytest.MonkeyPatch) -> None:
    num_keys = publish(server, 1, None)
    assert num_keys == server.client.dbsize() - 1  # the pointer
    trips: list[int] = []
    execute = RedisCalls._execute

    async def counted(calls: RedisCalls, ask: Any) -> Any:
        trips.append(1)
        return await execute(calls, ask)

    async with open_reader_on(server, arm_of=arm_of) as client:
        feeds = {user: await whole_feed(client, user) for user in USERS}
        assert {user: posts for user, (posts, _) in feeds.items()} == {user: expected(user) for user in USERS}
        assert all(answers == {("redis", arm_of(user))} for user, (_, answers) in feeds.items())
        monkeypatch.setattr(RedisCalls, "_execute", counted)
        for user in USERS:
            await client.feed(user, count=PAGE)
        assert len(trips) == len(USERS)
        by_arm = Counter(arm_of(user) for user in USERS)
        print(f"\n{len(USERS)} users by arm {dict(by_arm)}, pools {dict(pools_in(server))}, {num_keys} keys")
        print(f"everybody read the pool of their arm, or the common one, in {len(trips) / len(USERS):g} round trip")

        search_list = SearchList("r", (ERASED,), tuple(POSTS + shift + 7 for shift in SHIFT.values()))
        found = {key for key, _, _ in search_redis(server.client, "Redis", Needles(search_list)).findings}
        arms_found = Counter(parse_key(key.encode()).arm for key in found if key.startswith("pool"))  # type: ignore[union-attr]
        assert arms_found == {None: 200, "deep": 50, "fresh": 50}
        done = erase_keys(server.client, search_list.ids, RULES)
        left = search_redis(server.client, "Redis", Needles(search_list)).findings
        print(f"erasure: found in pools {dict(arms_found)}, {done}; left {len(left)}")
        assert left == ()
        assert not server.client.exists(pool_key(1, ERASED), pool_key(1, ERASED, "deep"))
        assert pools_in(server) == {(1, None): 199, (1, "deep"): 49, (1, "fresh"): 50}
        for user in set(USERS) - {ERASED}:
            assert (await whole_feed(client, user))[0] == [i for i in expected(user) if author_of(i) != ERASED]

    publish(server, 2, 1)
    assert epoch_store.num_pools(server.client, 2) == len(USERS)
    swept = epoch_store.discard_epochs(server.client, lambda epoch: epoch != 2, RULES.publish)
    print(f"sweep: {swept} keys of epoch 1 removed, pools left {dict(pools_in(server))}")
    assert swept == num_keys - done["deleted"]
    assert pools_in(server) == {(2, None): 200, (2, "deep"): 50, (2, "fresh"): 50}
    assert not list(server.client.scan_iter(match="*:1:*"))
    assert epoch_store.discard_epoch(server.client, 2, RULES.publish) == num_keys
    assert server.client.dbsize() == 1
