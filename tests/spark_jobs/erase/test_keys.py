"""Redis after an erasure: the person's keys are gone, other keys lose only what belonged to the person."""

from collections.abc import Iterator
from typing import Any

import pytest

from contracts.epochs import unpack_pool
from contracts.pointer import Pointer
from contracts.redis_key_kind import KeyKind
from contracts.redis_keys import (
    KEY_KINDS,
    NARROWED_KEY,
    POINTER_KEY,
    TAKEDOWN,
    TAKEDOWN_KEY,
    block_key,
    card_key,
    fallback_key,
    features_key,
    fresh_key,
    hidden_key,
    parted_key,
    pool_key,
)
from contracts.settings import ErasureRules, PublishRules, Settings
from spark_jobs.erase.keys import erase_keys
from spark_jobs.erase.needles import Needles
from spark_jobs.erase.search import search_redis
from spark_jobs.erase.search_list import SearchList
from tests.serving.reader_world import RedisServer
from tests.spark_jobs.erase.pools import GENERATED_AT, packed

SMALL = SearchList("r", (12,), (13, 14))
LARGE = SearchList("r", (1_000_153,), (1_152_921_573_326_324_436, 1_152_921_573_326_324_437))
RULES = Settings(publish=PublishRules(keys_per_batch=3), erasure=ErasureRules(reader_refresh_s=0.0))


@pytest.fixture(scope="module")
def server() -> Iterator[RedisServer]:
    yield from RedisServer.running()


def fill(client: Any, user: int, posts: tuple[int, int]) -> None:
    """Two epochs: the person (pool, features, cards), a reader of theirs, a stranger, fallbacks, suppression sets."""
    client.flushdb()
    client.set(POINTER_KEY, Pointer(7, 6, 1).dumps())
    for epoch in (6, 7):
        client.set(pool_key(epoch, user), packed([1], [2]), ex=1000)
        client.set(features_key(epoch, user), b"\0" * 8)
        for post in posts:
            client.set(card_key(epoch, post), f'{{"id":"{post}","author":{{"id":"{user}"}}}}')
        client.set(card_key(epoch, 12_345), b'{"id":"12345"}')
        client.set(pool_key(epoch, 3), packed([12_345, posts[0], 4, posts[1], 555], [5, user, 6, user, user]), ex=1000)
        client.set(pool_key(epoch, 4), packed([12_345], [5]), ex=1000)
        client.set(fallback_key(epoch, "popular"), packed([posts[0], 9], [user, 8]))
    client.sadd(block_key(3), user, 5)
    client.sadd(block_key(user), 3)
    client.sadd(hidden_key(3), posts[1], 4)
    client.sadd(hidden_key(user), 1)
    client.sadd(TAKEDOWN_KEY, posts[0], 99)
    client.zadd(NARROWED_KEY, {posts[0]: 7, 98: 7})
    client.zadd(parted_key(3), {f"friend:{user}": 7, "friend:5": 6, "group:12345": 7})
    client.zadd(parted_key(user), {"friend:3": 7})


@pytest.mark.parametrize("wanted", [SMALL, LARGE], ids=["small ids", "large ids"])
def test_nothing_of_them_is_left_and_the_rest_is_as_it_was(server: RedisServer, wanted: SearchList) -> None:
    client, user, posts = server.client, wanted.user[0], (wanted.post[0], wanted.post[1])
    fill(client, user, posts)
    untouched = {key: client.get(key) for key in (pool_key(7, 4), card_key(7, 12_345), POINTER_KEY)}
    before = search_redis(client, "Redis", Needles(wanted))
    assert {name.split(":")[0] for name, _, _ in before.findings} >= {
        *("pool", "block", "hidden", "takedown", "global", "narrowed", "parted")
    }
    done = erase_keys(client, wanted.ids, RULES)
    assert done == {"deleted": 11, "rewritten": 8}
    after = search_redis(client, "Redis", Needles(wanted))
    assert after.findings == ()
    assert after.items == before.items - done["deleted"]
    for epoch in (6, 7):
        left = unpack_pool(client.get(pool_key(epoch, 3)))
        assert left.columns["post_id"].tolist() == [12_345, 4]
        assert left.columns["flags"].tolist() == [0, 2]
        assert (left.epoch, left.generated_at) == (7, GENERATED_AT)
        assert 0 < client.ttl(pool_key(epoch, 3)) <= 1000
        assert unpack_pool(client.get(fallback_key(epoch, "popular"))).columns["post_id"].tolist() == [9]
    assert {key: client.get(key) for key in untouched} == untouched
    assert client.smembers(block_key(3)) == {b"5"}
    assert client.smembers(hidden_key(3)) == {b"4"}
    assert client.smembers(TAKEDOWN_KEY) == {b"99"}
    assert client.zrange(NARROWED_KEY, 0, -1) == [b"98"]
    assert client.zrange(parted_key(3), 0, -1) == [b"friend:5", b"group:12345"]
    assert erase_keys(client, wanted.ids, RULES) == {"deleted": 0, "rewritten": 0}


@pytest.mark.parametrize("kind", [kind for kind in KEY_KINDS if kind.on_erasure], ids=lambda kind: kind.name)
def test_keys_of_every_kind_are_erased(server: RedisServer, kind: KeyKind) -> None:
    client, (user,), (post, _) = server.client, SMALL.user, SMALL.post
    client.flushdb()
    for arm in {None, "deep" if kind.per_arm else None}:
        for identity in {None: (None,), "list": ("popular",), "user": (user, 3), "post": (post, 4)}[kind.of]:
            key = kind.key(identity, epoch=7 if kind.per_epoch else None, arm=arm)
            if not kind.members:
                client.set(key, packed([post, 4], [user, 5]) if kind.packs_posts else b"x")
            else:
                theirs = {"user": user, "post": post, "group": 12_345}
                client.sadd(key, *(member.member(i) for member in kind.members for i in (theirs[member.of], 5)))
    num_keys = client.dbsize()
    assert search_redis(client, "Redis", Needles(SMALL)).findings
    done = erase_keys(client, SMALL.ids, RULES)
    assert search_redis(client, "Redis", Needles(SMALL)).findings == ()
    assert client.dbsize() == num_keys - done["deleted"]
    assert bool(done["deleted"]) == (kind.of in ("user", "post"))
    is_rewritten = kind.packs_posts or (bool(kind.members) and kind is not TAKEDOWN)
    assert bool(done["rewritten"]) == is_rewritten


def test_posts_that_no_table_has_go_with_their_author(server: RedisServer) -> None:
    """A post made since the night: the search list does not have its id."""
    client, (user,) = server.client, SMALL.user
    client.flushdb()
    client.set(fresh_key(7, user), packed([77], [5]))
    client.set(fresh_key(7, 3), packed([501, 77], [user, 5]), ex=1000)
    for post, author in ((501, user), (77, 5), (78, "x")):
        client.set(card_key(7, post), f'{{"id":"{post}","author":{{"id":"{author}"}}}}')
    client.set(card_key(7, 79), b'{"id":"79","author":null}')
    client.set(card_key(7, 80), b"junk")
    assert erase_keys(client, SMALL.ids, RULES) == {"deleted": 2, "rewritten": 1}
    assert unpack_pool(client.get(fresh_key(7, 3))).columns["post_id"].tolist() == [77]
    assert [post for post in (501, 77, 78, 79, 80) if client.exists(card_key(7, post))] == [77, 78, 79, 80]


def test_until_readers_have_refreshed_their_posts_are_taken_down(
    server: RedisServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill(server.client, LARGE.user[0], (LARGE.post[0], LARGE.post[1]))
    seen: list[set[bytes]] = []
    monkeypatch.setattr("time.sleep", lambda _: seen.append(server.client.smembers(TAKEDOWN_KEY)))
    erase_keys(server.client, LARGE.ids, RULES)
    assert seen == [{b"99", *(str(post).encode() for post in LARGE.post)}]


@pytest.mark.parametrize("kind", ["hash", "zset", "list", "stream", "string"])
def test_the_proof_reads_every_type_of_key(server: RedisServer, kind: str) -> None:
    client: Any = server.client
    client.flushdb()
    text = str(LARGE.user[0])
    plant = {
        "hash": lambda: client.hset("some", text, 1),
        "zset": lambda: client.zadd("some", {text: 1}),
        "list": lambda: client.rpush("some", "x", text),
        "stream": lambda: client.xadd("some", {"event": f'{{"user_id": {text}}}'}),
        "string": lambda: client.set("some", f"x{text}"),
    }
    plant[kind]()
    [(key, part, what), *_] = search_redis(client, "Redis", Needles(LARGE)).findings
    assert (key, part) == ("some", "value")
    assert text in what
