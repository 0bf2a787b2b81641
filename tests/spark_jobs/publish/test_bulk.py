from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from redis.exceptions import OutOfMemoryError, ResponseError

from contracts.settings import PublishRules
from spark_jobs.publish.bulk import change_sets, get_all, set_all
from spark_jobs.publish.epoch_store import connect
from storage.redis_clients import Client
from tests.serving.reader_world import RedisServer

ENTRIES = st.dictionaries(st.binary(min_size=1, max_size=40), st.binary(max_size=300), max_size=30)


@pytest.fixture
def client(redis_server: RedisServer) -> Iterator[Client]:
    redis_server.client.flushall()
    found = connect(redis_server.url, PublishRules())
    yield found
    found.close()


@settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(entries=ENTRIES, ttl_s=st.none() | st.integers(1, 10**9))
def test_values_are_those_that_the_client_reads(client: Client, entries: dict[bytes, bytes], ttl_s: int) -> None:
    client.flushall()
    keys, values = list(entries), list(entries.values())
    set_all(client, keys, values, ttl_s)
    assert [client.get(key) for key in keys] == values
    assert client.dbsize() == len(keys)
    assert all(client.ttl(key) in ((-1,) if ttl_s is None else (ttl_s, ttl_s - 1)) for key in keys)
    assert get_all(client, [*keys, b"\r\n$-1 is no key"]) == [*values, None]


@settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(members=st.lists(st.integers(-(2**63), 2**63 - 1), min_size=1, max_size=30), gone=st.data())
def test_sets_gain_and_lose_the_members_that_are_named(client: Client, members: list[int], gone: st.DataObject) -> None:
    client.flushall()
    sets = [(b"a", members), (b"a longer name", members[:1]), (b"a", members[-1:])]
    assert change_sets(client, "SADD", sets) == [len(set(members)), 1, 0]
    lifted = gone.draw(st.lists(st.sampled_from(members), min_size=1))
    assert change_sets(client, "SREM", [(b"a", lifted)]) == [len(set(lifted))]
    assert {int(one) for one in client.smembers("a")} == set(members) - set(lifted)
    assert client.smembers("a longer name") == {b"%d" % members[0]}


def test_a_refused_command_leaves_no_reply_for_the_next(client: Client) -> None:
    client.sadd("a set", 1)
    set_all(client, [b"a", b"b"], [b"1", b"2"], None)
    with pytest.raises(ResponseError, match="WRONGTYPE"):
        get_all(client, [b"a", b"a set", b"b"])
    assert get_all(client, [b"b", b"a"]) == [b"2", b"1"]


def test_full_memory_is_reported_as_such(client: Client) -> None:
    client.config_set("maxmemory", 1)
    try:
        with pytest.raises(OutOfMemoryError):
            set_all(client, [b"a", b"b"], [b"1", b"2"], 60)
    finally:
        client.config_set("maxmemory", 0)
    assert get_all(client, [b"a", b"b"]) == [None, None]


def test_a_lost_connection_is_made_again(client: Client, redis_server: RedisServer) -> None:
    set_all(client, [b"a"], [b"1"], None)
    redis_server.client.client_kill_filter(_type="normal", skipme=True)
    set_all(client, [b"b"], [b"2"], None)
    redis_server.client.client_kill_filter(_type="normal", skipme=True)
    assert get_all(client, [b"a", b"b"]) == [b"1", b"2"]


def test_nothing_is_sent_for_no_keys(client: Client) -> None:
    set_all(client, [], [], 60)
    assert get_all(client, []) == []


def test_keys_and_values_must_match(client: Client) -> None:
    with pytest.raises(ValueError, match="shorter"):
        set_all(client, [b"a", b"b"], [b"1"], None)
    assert client.dbsize() == 0
