"""A collector in this process, on a Redis that keeps what it takes, and what tests send to it."""

import json
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
from fastapi import FastAPI

from contracts.collector_keys import LINE_FIELD, STREAM
from serving.collector.app import create_app
from serving.collector.config import CollectorConfig
from serving.http.auth import TokenRules
from serving.http.tokens import mint_token
from tests.serving.reader_world import SECRET, RedisServer

NOW = datetime(2026, 3, 8, 12, 0, 0, 250_000, UTC)
TOKENS = TokenRules(SECRET, "feedlake", 7 * 86_400)


def kept_in(folder: Path) -> tuple[str, ...]:
    """Options of a Redis that answers once what it took is on disk, and finds it again when it is started anew."""
    return ("--save", "", "--dir", str(folder), "--appendonly", "yes", "--appendfsync", "always")


def impression(number: int, user_id: int = 17, **fields: Any) -> dict[str, Any]:
    known = {
        "event_id": f"{user_id}:{number}",
        "event_type": "impression",
        "event_time": "2026-03-08T11:59:00Z",
        "user_id": user_id,
        "post_id": 2**60 + number,
        "request_id": "r-1",
    }
    return known | fields


def engagement(number: int, user_id: int = 17, **fields: Any) -> dict[str, Any]:
    known = {
        "event_id": f"{user_id}:{number}",
        "event_type": "engagement",
        "event_time": "2026-03-08T11:59:30Z",
        "user_id": user_id,
        "post_id": 2**60 + number,
        "engagement_type": "like",
    }
    return known | fields


def ndjson(*events: dict[str, Any]) -> bytes:
    return b"".join(json.dumps(event).encode() + b"\n" for event in events)


@dataclass
class Client:
    """Sends to the collector as one user."""

    app: FastAPI
    http: httpx.AsyncClient

    async def post(
        self,
        path: str,
        body: bytes | dict[str, Any] = b"",
        user_id: int = 17,
        key: str | None = "k1",
        token: str | None = None,
    ) -> httpx.Response:
        bearer = mint_token(user_id, SECRET) if token is None else token
        headers = {"Authorization": f"Bearer {bearer}"} | ({} if key is None else {"Idempotency-Key": key})
        content = body if isinstance(body, bytes) else json.dumps(body).encode()
        return await self.http.post(path, content=content, headers=headers)

    async def delete(self, path: str, user_id: int = 17, key: str | None = "k1", **parameters: str) -> httpx.Response:
        headers = {"Authorization": f"Bearer {mint_token(user_id, SECRET)}"}
        headers |= {} if key is None else {"Idempotency-Key": key}
        return await self.http.delete(path, params=parameters, headers=headers)

    async def send(self, *events: dict[str, Any], user_id: int = 17) -> httpx.Response:
        return await self.post("/api/v1/events", ndjson(*events), user_id)


def lines_in(server: RedisServer) -> list[bytes]:
    return [fields[LINE_FIELD] for _, fields in server.client.xrange(STREAM)]


@asynccontextmanager
async def open_collector_on(
    server: RedisServer, now: Callable[[], datetime] = lambda: NOW, serving: RedisServer | None = None, **changes: Any
) -> AsyncIterator[Client]:
    """A collector that is patient with a busy machine."""
    patient = {"redis_timeout_s": 5.0, "serving_timeout_s": 5.0} | changes
    config = CollectorConfig(redis_url=server.url, serving_redis_url=serving.url if serving else None, **patient)
    app = create_app(config, TOKENS, now)
    transport = httpx.ASGITransport(app=app, raise_app_exceptions=False)
    async with (
        app.router.lifespan_context(app),
        httpx.AsyncClient(transport=transport, base_url="http://collector") as http,
    ):
        yield Client(app, http)


OpenCollector = Callable[..., AbstractAsyncContextManager[Client]]
