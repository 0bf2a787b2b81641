from typing import Any

import pytest
import redis

from contracts.pointer import Pointer
from contracts.redis_keys import CLAIM_KEY, POINTER_KEY, block_key, card_key, fallback_key, features_key, pool_key
from contracts.settings import PublishRules
from spark_jobs.publish import epoch_store
from spark_jobs.publish.epoch_store import PublishFailed
from tests.serving.reader_world import RedisServer

RULES = PublishRules(keys_per_batch=7)


@pytest.fixture
def server(redis_server: RedisServer) -> RedisServer:
    redis_server.client.flushall()
    return redis_server


def test_flip_is_refused_when_the_pointer_moved(server: RedisServer) -> None:
    first, second, third = Pointer(1, None, 10), Pointer(2, 1, 20), Pointer(3, 1, 30)
    client = epoch_store.connect(server.url, RULES)
    assert epoch_store.read_pointer(client) is None
    epoch_store.flip(client, None, first, epoch_store.claim(client))
    epoch_store.flip(client, first, second)
    with pytest.raises(PublishFailed, match="another publish, or a rollback"):
        epoch_store.flip(client, first, third)
    assert epoch_store.read_pointer(client) == second


def test_only_the_last_that_claimed_an_empty_redis_flips(server: RedisServer) -> None:
    first, second = Pointer(1, None, 10), Pointer(2, None, 20)
    client = epoch_store.connect(server.url, RULES)
    words = [epoch_store.claim(client), epoch_store.claim(client)]
    for word in (words[0], ""):
        with pytest.raises(PublishFailed, match="lost its data meanwhile, or another publish began"):
            epoch_store.flip(client, None, first, word)
    epoch_store.flip(client, None, second, words[1])
    epoch_store.flip(client, None, second, words[1])  # as after a lost reply
    assert epoch_store.read_pointer(client) == second
    assert not client.exists(CLAIM_KEY)


def test_a_redis_that_lost_its_claim_gets_no_pointer(server: RedisServer) -> None:
    client = epoch_store.connect(server.url, RULES)
    word = epoch_store.claim(client)
    server.client.flushall()
    with pytest.raises(PublishFailed, match="lost its data meanwhile"):
        epoch_store.flip(client, None, Pointer(1, None, 10), word)
    assert epoch_store.read_pointer(client) is None


def test_a_pointer_that_moves_during_the_flip_stays_where_it_went(
    server: RedisServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second, third = Pointer(1, None, 10), Pointer(2, 1, 20), Pointer(3, 1, 30)
    client = epoch_store.connect(server.url, RULES)
    epoch_store.flip(client, None, first, epoch_store.claim(client))
    read = client.get

    def read_while_another_flips(key: str) -> Any:
        value = read(key)
        server.client.set(POINTER_KEY, third.dumps())
        return value

    monkeypatch.setattr(client, "get", read_while_another_flips)
    with pytest.raises(PublishFailed, match="another publish, or a rollback"):
        epoch_store.flip(client, first, second)
    assert epoch_store.read_pointer(client) == third


def test_only_doomed_epochs_are_discarded(server: RedisServer) -> None:
    client = server.client
    for epoch in (3, 30, 4):
        for user in range(20):
            client.set(pool_key(epoch, user), b"p")
            client.set(features_key(epoch, user), b"f")
        client.set(card_key(epoch, 9), b"c")
        client.set(fallback_key(epoch, "popular"), b"g")
    client.sadd(block_key(3), 4)
    client.set(POINTER_KEY, b"x")
    client.set("session:3:abc", b"not ours")
    assert epoch_store.discard_epochs(client, lambda epoch: epoch not in {30, 4}, RULES) == 42
    left = {key.split(b":")[1] for key in client.scan_iter(match="pool:*")}
    assert left == {b"30", b"4"}
    assert client.exists(block_key(3), POINTER_KEY, "session:3:abc") == 3


def test_pools_of_arms_go_with_their_epoch_and_count_no_user_twice(server: RedisServer) -> None:
    client = server.client
    for epoch in (3, 4):
        for user in range(20):
            client.set(pool_key(epoch, user), b"p")
            client.set(pool_key(epoch, user, "deep" if user % 2 else "epoch-4"), b"p")
    assert epoch_store.num_pools(client, 4) == 20
    assert epoch_store.discard_epochs(client, lambda epoch: epoch != 4, RULES) == 40
    assert epoch_store.discard_epoch(client, 4, RULES) == 40
    assert client.dbsize() == 0


def test_an_evicting_redis_is_refused(server: RedisServer) -> None:
    epoch_store.check_server(server.client)
    server.client.config_set("maxmemory-policy", "allkeys-lru")
    try:
        with pytest.raises(
            PublishFailed, match=r"maxmemory-policy allkeys-lru.*CONFIG SET maxmemory-policy noeviction"
        ):
            epoch_store.check_server(server.client)
    finally:
        server.client.config_set("maxmemory-policy", "noeviction")


def test_memory_is_checked_against_the_limit(server: RedisServer) -> None:
    used = epoch_store.used_bytes(server.client)
    server.client.config_set("maxmemory", 2 * used)
    try:
        epoch_store.check_memory(server.client, int(used * 0.5), RULES)
        with pytest.raises(PublishFailed, match="raise maxmemory"):
            epoch_store.check_memory(server.client, int(used * 0.95), RULES)
    finally:
        server.client.config_set("maxmemory", 0)
    epoch_store.check_memory(server.client, used, RULES)
    with pytest.raises(PublishFailed, match="raise maxmemory"):
        epoch_store.check_memory(server.client, 2**50, RULES)


def test_a_dead_redis_fails_soon() -> None:
    client = epoch_store.connect("redis://127.0.0.1:1/0", RULES)
    with pytest.raises(redis.exceptions.ConnectionError):
        client.ping()
