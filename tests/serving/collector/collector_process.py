"""A collector as a process, and requests to it as bytes."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from serving.http.tokens import mint_token
from tests.nights import SECRET, service


@dataclass
class Collector:
    """A collector process on a port of its own; ``pid`` is its process."""

    url: str
    pid: int

    def post(self, path: str, body: Any = None, user_id: int = 17, key: str = "k") -> httpx.Response:
        headers = {"Authorization": f"Bearer {token(user_id)}", "Idempotency-Key": key}
        content = b"" if body is None else body if isinstance(body, bytes) else json.dumps(body).encode()
        return httpx.post(f"{self.url}{path}", content=content, headers=headers, timeout=20)


def token(user_id: int) -> str:
    return mint_token(user_id, SECRET.encode(), lifetime_s=3_600)


@contextmanager
def collector(redis_url: str, log: Path, *options: str) -> Iterator[Collector]:
    """A collector that waits for Redis longer than one in production: a busy machine may keep both waiting."""
    patience = ("--set", "collector.redis_timeout_s=10", "--set", "collector.queue_timeout_s=10")
    with service("serving.collector", log, "--redis", redis_url, *patience, *options) as (url, pid):
        yield Collector(url, pid)


def batch_request(body: bytes, user_id: int) -> bytes:
    """A POST of events, for ``tests.serving.load``."""
    head = f"POST /api/v1/events HTTP/1.1\r\nHost: c\r\nAuthorization: Bearer {token(user_id)}\r\n"
    return f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body
