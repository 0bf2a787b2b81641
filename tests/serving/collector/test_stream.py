"""The stream's Redis missing, slow, full or misconfigured: 503 in bounded time, and nothing lost is acknowledged."""

import asyncio
import os
import signal
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from contracts.collector_keys import STREAM, WINDOW_KEYS
from tests.serving.collector.collector_world import Client, OpenCollector, impression, kept_in, open_collector_on
from tests.serving.reader_world import RedisServer


@pytest.fixture
def own_redis(tmp_path: Path) -> Iterator[RedisServer]:
    yield from RedisServer.running(*kept_in(tmp_path))


SHORT: dict[str, Any] = {"redis_timeout_s": 1.0, "queue_timeout_s": 0.5, "max_redis_connections": 4}


async def refused(client: Client) -> str:
    answer = await client.send(impression(99))
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "2")
    ready = await client.http.get("/readyz")
    assert ready.status_code == 503
    detail: str = ready.json()["detail"]
    return detail


async def test_what_was_acknowledged_survives_a_kill(own_redis: RedisServer) -> None:
    acknowledged = []
    async with open_collector_on(own_redis, redis_timeout_s=1.0) as client:
        assert (await client.http.get("/readyz")).text == "ready, 0 events wait for the drain"
        for number in range(60):
            if number == 30:
                own_redis.kill()
                await refused(client)
                own_redis.start()
            if (await client.send(impression(number))).status_code == 200:
                acknowledged.append(f"17:{number}")
        metrics = (await client.http.get("/metrics")).text
    entries = own_redis.client.xrange(STREAM)
    kept = [event_id for event_id in acknowledged if any(event_id.encode() in fields[b"line"] for _, fields in entries)]
    assert kept == acknowledged
    assert len(acknowledged) >= 58
    assert 'feedlake_unavailable_total{dependency="stream"}' in metrics


async def test_a_stopped_redis_is_a_503_in_bounded_time(own_redis: RedisServer) -> None:
    async with open_collector_on(own_redis, **SHORT) as client:
        assert (await client.send(impression(1))).status_code == 200
        os.kill(own_redis.pid, signal.SIGSTOP)
        try:
            async with asyncio.timeout(20):  # many times the bound, so that only waiting for ever fails
                answers = await asyncio.gather(*(client.send(impression(number)) for number in range(2, 22)))
                assert "imeout" in await refused(client)
        finally:
            os.kill(own_redis.pid, signal.SIGCONT)
        assert {answer.status_code for answer in answers} == {503}
        assert (await client.send(impression(2))).status_code == 200


def full(server: RedisServer) -> None:
    server.client.config_set("maxmemory", 1)


def forgetful(server: RedisServer) -> None:
    server.client.config_set("appendfsync", "everysec")
    server.client.client_kill_filter(_type="normal", skipme=True)


def evicting(server: RedisServer) -> None:
    server.client.config_set("maxmemory-policy", "allkeys-lru")
    server.client.client_kill_filter(_type="normal", skipme=True)


def without_log(server: RedisServer) -> None:
    server.client.config_set("appendonly", "no")
    server.client.client_kill_filter(_type="normal", skipme=True)


def another_type(server: RedisServer) -> None:
    server.client.set(STREAM, "x")


def at_the_last_id(server: RedisServer) -> None:
    server.client.xadd(STREAM, {"a": "b"}, id=f"{2**64 - 1}-{2**64 - 1}")


@pytest.mark.parametrize("spoil", [full, forgetful, evicting, without_log, another_type, at_the_last_id])
async def test_a_redis_that_keeps_nothing_takes_nothing(
    own_redis: RedisServer, spoil: Callable[[RedisServer], None]
) -> None:
    async with open_collector_on(own_redis) as client:
        spoil(own_redis)
        for _ in range(2):
            answer = await client.send(impression(1))
            assert answer.status_code == 503
    counted = own_redis.client.keys("*{u17}*")
    assert counted == []


async def test_what_counts_a_users_events_expires(event_redis: RedisServer, open_collector: OpenCollector) -> None:
    async with open_collector(retry_window_s=900) as client:
        await client.post("/api/v1/posts", {"text": "hello", "privacy": "public"})
    found = {key.split(b":")[0].decode(): event_redis.client.ttl(key) for key in event_redis.client.keys("*{u17}*")}
    assert found.keys() == {key.name for key in WINDOW_KEYS}
    assert all(0 <= key.ttl_s(900) - found[key.name] < 60 for key in WINDOW_KEYS)


async def test_a_forgotten_script_is_loaded_again(event_redis: RedisServer, open_collector: OpenCollector) -> None:
    async with open_collector() as client:
        await client.send(impression(1))
        event_redis.client.script_flush()
        assert [(await client.send(impression(2))).status_code for _ in range(2)] == [503, 200]


async def test_a_slow_redis_is_a_503_and_then_a_known_retry(own_redis: RedisServer) -> None:
    async with open_collector_on(own_redis, **SHORT) as client:
        assert (await client.send(impression(1))).status_code == 200
        own_redis.client.client_pause(60_000, all=False)
        assert (await client.send(impression(2))).status_code == 503
        own_redis.client.client_unpause()
        assert (await client.send(impression(2))).status_code == 200
    entries = own_redis.client.xrange(STREAM)
    assert [b"17:2" in fields[b"line"] for _, fields in entries] == [False, True]


async def test_lost_connections_lose_no_event(event_redis: RedisServer, open_collector: OpenCollector) -> None:
    acknowledged = set()
    async with open_collector() as client:
        for begin in range(0, 60, 10):
            sent = asyncio.gather(*(client.send(impression(number)) for number in range(begin, begin + 10)))
            await asyncio.sleep(0.005)
            event_redis.client.client_kill_filter(_type="normal", skipme=True)
            answers = await sent
            assert {answer.status_code for answer in answers} <= {200, 503}
            acknowledged |= {begin + at for at, answer in enumerate(answers) if answer.status_code == 200}
        retries = [(await client.send(impression(99))).status_code for _ in range(40)]
    assert retries[-1] == 200  # each connection was lost once
    lines = b"\n".join(fields[b"line"] for _, fields in event_redis.client.xrange(STREAM))
    assert [number for number in acknowledged if f'"17:{number}"'.encode() not in lines] == []
