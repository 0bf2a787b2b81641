"""A Redis process and a small world of posts for the reader's tests, written through the shared byte formats."""

import json
import shutil
import socket
import subprocess
import time
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from typing import Any

import httpx
import numpy as np
import pytest
import redis
from fastapi import FastAPI

from contracts.epochs import CONTENT_TYPES, FLAG_PUBLIC, FLAG_SENSITIVE, REASONS, SOURCES, pack_pool
from contracts.pointer import Pointer
from contracts.redis_keys import POINTER_KEY, card_key, fallback_key, pool_key
from serving.http.tokens import mint_token
from serving.reader.app import create_app, nobody_has_an_arm
from serving.reader.config import ReaderConfig

SECRET = b"a secret for tests, longer than 32 bytes"
GENERATED_AT = 1_770_000_000
BIG = 2**53 + 1


@dataclass(frozen=True)
class Seed:
    """One post as a test writes it: pool columns and card; privacy is public unless it says otherwise."""

    post_id: int
    author_id: int = 100
    source: str = "friend"
    is_public: bool = True
    created_at: int = GENERATED_AT - 3600
    score: float = 0.5
    reason: str = "friend_posted"
    propensity: float = 1.0
    ad_id: int | None = None
    is_sensitive: bool = False


class RedisServer:
    """A redis-server process on a free port that a test may kill and start again, and writes into it."""

    def __init__(self, *options: str) -> None:
        self._options = options or ("--save", "")
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = int(probe.getsockname()[1])
        self.url = f"redis://127.0.0.1:{self.port}/0"
        self.client: Any = redis.Redis(port=self.port)
        self.start()

    def start(self) -> None:
        self._process = subprocess.Popen(
            ["redis-server", "--port", str(self.port), *self._options, "--maxmemory-policy", "noeviction"],
            stdout=subprocess.DEVNULL,
        )
        for _ in range(200):
            try:
                self.client.ping()
            except redis.exceptions.ConnectionError:
                time.sleep(0.02)
            else:
                return
        raise RuntimeError(f"redis-server on port {self.port} did not start")

    @property
    def pid(self) -> int:
        return self._process.pid

    def kill(self) -> None:
        self._process.kill()
        self._process.wait()

    @classmethod
    def running(cls, *options: str) -> Iterator["RedisServer"]:
        """What a fixture yields: a server until the fixture's end; a machine without Redis skips its tests."""
        if shutil.which("redis-server") is None:
            pytest.skip("redis-server is not installed")
        server = cls(*options)
        yield server
        server.kill()

    def write_pool(self, key: str, epoch: int, owner: int | None, seeds: Sequence[Seed]) -> None:
        self.client.set(key, packed(epoch, owner, seeds))
        for seed in seeds:
            self.client.set(card_key(epoch, seed.post_id), card_of(seed, epoch))

    def write_user(self, epoch: int, user_id: int, seeds: Sequence[Seed]) -> None:
        self.write_pool(pool_key(epoch, user_id), epoch, user_id, seeds)

    def write_public(self, epoch: int, kind: str, seeds: Sequence[Seed]) -> None:
        self.write_pool(fallback_key(epoch, kind), epoch, None, seeds)

    def flip(self, stable: int, previous: int | None = None, published_at: int = GENERATED_AT) -> None:
        self.point(Pointer(stable, previous, published_at))

    def point(self, pointer: Pointer) -> None:
        self.client.set(POINTER_KEY, pointer.dumps())


def packed(epoch: int, owner: int | None, seeds: Sequence[Seed]) -> bytes:
    columns = {
        "post_id": np.array([seed.post_id for seed in seeds], np.int64),
        "author_id": np.array([seed.author_id for seed in seeds], np.int64),
        "source_id": np.array([seed.author_id if seed.ad_id is None else seed.ad_id for seed in seeds], np.int64),
        "created_at": np.array([seed.created_at for seed in seeds], np.int64),
        "score": np.array([seed.score for seed in seeds], np.float64),
        "source": np.array([SOURCES.index(seed.source if seed.ad_id is None else "ad") for seed in seeds], np.int64),
        "content_type": np.array([CONTENT_TYPES.index("status") for _ in seeds], np.int64),
        "reason": np.array([REASONS.index(seed.reason) for seed in seeds], np.int64),
        "flags": np.array(
            [FLAG_PUBLIC * seed.is_public + FLAG_SENSITIVE * seed.is_sensitive for seed in seeds], np.int64
        ),
        "propensity": np.array([seed.propensity for seed in seeds], np.float64),
    }
    return pack_pool(epoch, GENERATED_AT, owner, columns)


def card_of(seed: Seed, epoch: int) -> bytes:
    card = {
        "id": seed.post_id,
        "author": {"id": seed.author_id, "name": f'Ada "{seed.author_id}" Ö'},
        "content": {"type": "status", "text": f"epoch {epoch}", "hashtags": ["x"], "media_count": 0},
        "source": {"type": seed.source, "id": seed.author_id, "name": "Bees & Co"},
        "created_at": "2026-02-02T01:40:00Z",
        "stats": {"likes": 1, "comments": 2, "shares": 3},
        "privacy": "public" if seed.is_public else "friends",
    }
    return json.dumps(card, separators=(",", ":")).encode()


class Client:
    """Asks the reader as one user."""

    def __init__(self, app: FastAPI, http: httpx.AsyncClient) -> None:
        self.app = app
        self.http = http

    async def get(self, user_id: int = 1, token: str | None = None, **parameters: Any) -> httpx.Response:
        bearer = mint_token(user_id, SECRET) if token is None else token
        return await self.http.get("/api/v1/feed", params=parameters, headers={"Authorization": f"Bearer {bearer}"})

    async def feed(self, user_id: int = 1, **parameters: Any) -> dict[str, Any]:
        response = await self.get(user_id, **parameters)
        assert response.status_code == 200, response.text
        body: dict[str, Any] = response.json()
        return body

    async def ids(self, user_id: int = 1, **parameters: Any) -> list[int]:
        return [int(post["id"]) for post in (await self.feed(user_id, **parameters))["posts"]]

    async def refresh(self) -> None:
        assert await self.app.state.keeper.try_refresh()


@asynccontextmanager
async def open_reader_on(
    server: RedisServer, arm_of: Callable[[int], str | None] = nobody_has_an_arm, **changes: Any
) -> AsyncIterator[Client]:
    """A reader in this process; it refreshes only when told, and is patient with a busy machine."""
    settings = {"redis_timeout_s": 2.0, "refresh_s": 3600.0, "breaker_open_s": 0.2} | changes
    app = create_app(ReaderConfig(redis_url=server.url, **settings), SECRET, arm_of)
    transport = httpx.ASGITransport(app=app)
    async with (
        app.router.lifespan_context(app),
        httpx.AsyncClient(transport=transport, base_url="http://reader") as http,
    ):
        yield Client(app, http)


OpenReader = Callable[..., AbstractAsyncContextManager[Client]]
