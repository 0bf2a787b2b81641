"""A Redis process for tests of the publisher."""

import shutil
from collections.abc import Iterator

import pytest

from tests.serving.reader_world import RedisServer


@pytest.fixture(scope="module")
def redis_server() -> Iterator[RedisServer]:
    if shutil.which("redis-server") is None:
        pytest.skip("redis-server is not installed")
    server = RedisServer()
    yield server
    server.kill()
