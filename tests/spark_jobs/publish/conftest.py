"""A Redis process for tests of the publisher."""

from collections.abc import Iterator

import pytest

from tests.serving.reader_world import RedisServer


@pytest.fixture(scope="module")
def redis_server() -> Iterator[RedisServer]:
    yield from RedisServer.running()
