"""Fixtures of the services' tests: a Redis of the reader and one of the collector, emptied before each test."""

from collections.abc import Iterator
from functools import partial

import pytest

from tests.serving.collector.collector_world import OpenCollector, kept_in, open_collector_on
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


@pytest.fixture(scope="session")
def event_process(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedisServer]:
    yield from RedisServer.running(*kept_in(tmp_path_factory.mktemp("events")))


@pytest.fixture
def event_redis(event_process: RedisServer) -> RedisServer:
    """One that keeps what it takes."""
    event_process.client.flushall()
    return event_process


@pytest.fixture
def open_collector(event_redis: RedisServer) -> OpenCollector:
    return partial(open_collector_on, event_redis)
