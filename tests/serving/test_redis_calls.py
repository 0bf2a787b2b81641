"""Silence and lost connections count against Redis; a missing value or an error does not."""

import os
import signal
from typing import Any

import pytest

from serving.reader.breaker import CircuitBreaker
from serving.reader.config import ReaderConfig
from serving.reader.redis_calls import RedisCalls, StoreUnavailableError
from tests.serving.reader_world import RedisServer

PATIENCE_S = 1.0


async def ask(server: RedisServer, *commands: tuple[Any, ...]) -> tuple[list[Any] | str, CircuitBreaker]:
    breaker = CircuitBreaker(failures=1, open_s=60.0)
    calls = RedisCalls(ReaderConfig(redis_url=server.url, redis_timeout_s=PATIENCE_S), breaker)

    def put(pipe: Any) -> None:
        for command in commands:
            pipe.execute_command(*command)

    try:
        return await calls.guarded(put), breaker
    except StoreUnavailableError as error:
        return str(error), breaker
    finally:
        await calls.close()


async def test_an_error_about_one_key_stands_in_its_replys_place(redis_server: RedisServer) -> None:
    redis_server.client.set("text", "x")
    replies, breaker = await ask(redis_server, ("SCARD", "text"), ("GET", "text"))
    assert "WRONGTYPE" in str(replies[0])
    assert (replies[1], breaker.state) == (b"x", "closed")


async def test_a_reply_that_does_not_come_does_not_open_the_breaker_while_redis_answers_others(
    redis_server: RedisServer,
) -> None:
    what, breaker = await ask(redis_server, ("BLPOP", "nothing", 5 * PATIENCE_S))
    assert what == "Redis answers, but not with this value in time"
    assert breaker.state == "closed"


async def test_a_redis_that_answers_nobody_opens_it(redis_server: RedisServer) -> None:
    redis_server.client.ping()
    os.kill(redis_server.pid, signal.SIGSTOP)
    try:
        what, breaker = await ask(redis_server, ("GET", "text"))
    finally:
        os.kill(redis_server.pid, signal.SIGCONT)
    assert "does not answer" in what
    assert breaker.state == "open"


async def test_a_reply_that_its_command_cannot_have_opens_it(
    redis_server: RedisServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    def misunderstand(*_: Any, **__: Any) -> None:
        raise TypeError("not a cursor")

    monkeypatch.setattr("redis.asyncio.client.Pipeline.parse_response", misunderstand)
    what, breaker = await ask(redis_server, ("SSCAN", "set", 0))
    assert "cannot have" in what
    assert breaker.state == "open"
