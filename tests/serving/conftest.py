"""Fixtures of the reader's tests: one Redis per run, emptied before each test; readers opened on it."""

from collections.abc import Iterator
from functools import partial

import pytest

from tests.serving.reader_world import OpenReader, RedisServer, open_reader_on


@pytest.fixture(scope="session")
def redis_process() -> Iterator[RedisServer]:
    yield from RedisServer.running()


@pytest.fixture
def redis_server(redis_process: RedisServer) -> RedisServer:
    redis_process.client.flushall()
    return redis_process


@pytest.fixture
def open_reader(redis_server: RedisServer) -> OpenReader:
    return partial(open_reader_on, redis_server)
