"""Fixtures of the collector's and the drain's tests: one Redis that keeps what it takes, emptied before each test."""

from collections.abc import Iterator
from functools import partial

import pytest

from tests.serving.collector.collector_world import OpenCollector, kept_in, open_collector_on
from tests.serving.reader_world import RedisServer


@pytest.fixture(scope="session")
def event_process(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedisServer]:
    yield from RedisServer.running(*kept_in(tmp_path_factory.mktemp("events")))


@pytest.fixture
def event_redis(event_process: RedisServer) -> RedisServer:
    event_process.client.flushall()
    return event_process


@pytest.fixture
def open_collector(event_redis: RedisServer) -> OpenCollector:
    return partial(open_collector_on, event_redis)
