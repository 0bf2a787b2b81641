"""Fixtures of the reader's tests: one Redis per run, emptied before each test; readers opened on it."""

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from typing import Any

import httpx
import pytest

from serving.reader.app import create_app
from serving.reader.config import ReaderConfig
from tests.serving.reader_world import SECRET, Client, OpenReader, RedisServer


@pytest.fixture(scope="session")
def redis_process() -> Iterator[RedisServer]:
    yield from RedisServer.running()


@pytest.fixture
def redis_server(redis_process: RedisServer) -> RedisServer:
    redis_process.client.flushall()
    return redis_process


@pytest.fixture
def open_reader(redis_server: RedisServer) -> OpenReader:
    """Open a reader on the test's Redis; it refreshes only when told, and is patient with a busy machine."""

    @asynccontextmanager
    async def open_on(**changes: Any) -> AsyncIterator[Client]:
        settings = {"redis_timeout_s": 2.0, "refresh_s": 3600.0, "breaker_open_s": 0.2} | changes
        app = create_app(ReaderConfig(redis_server.url, **settings), SECRET)
        transport = httpx.ASGITransport(app=app)
        async with (
            app.router.lifespan_context(app),
            httpx.AsyncClient(transport=transport, base_url="http://reader") as http,
        ):
            yield Client(app, http)

    return open_on
