"""A Redis process for tests of the passes."""

from collections.abc import Iterator

import pytest

from tests.serving.reader_world import RedisServer


@pytest.fixture(scope="session")
def redis_process() -> Iterator[RedisServer]:
    yield from RedisServer.running()


@pytest.fixture
def redis_server(redis_process: RedisServer) -> RedisServer:
    redis_process.client.flushall()
    return redis_process
