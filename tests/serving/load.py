"""An open-loop load on a reader: requests are sent by the clock, whether or not earlier ones were answered."""

import asyncio
import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from urllib.parse import urlsplit

import numpy as np
import uvloop


@dataclass
class Load:
    """What became of the requests; ``waits_ms`` counts from the instant at which each was due."""

    waits_ms: list[float] = field(default_factory=list)
    statuses: dict[int, int] = field(default_factory=dict)
    failures: list[str] = field(default_factory=list)

    def percentile(self, share: float) -> float:
        return round(float(np.percentile(self.waits_ms, share)), 2)


def request_bytes(path: str, token: str, host: str = "reader") -> bytes:
    return f"GET {path} HTTP/1.1\r\nHost: {host}\r\nAuthorization: Bearer {token}\r\n\r\n".encode()


_IDLE_S = 2.0


class _Connections:
    """Open connections that no request uses; a new one where there is none that idled less than the reader allows."""

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        self._address = (parts.hostname, parts.port)
        self._idle: list[tuple[float, asyncio.StreamReader, asyncio.StreamWriter]] = []

    async def ask(self, request: bytes) -> int:
        reader, writer = self._fresh() or await asyncio.open_connection(*self._address)
        writer.write(request)
        head = (await reader.readuntil(b"\r\n\r\n")).lower()
        await reader.readexactly(int(head.partition(b"content-length:")[2].split(b"\r\n", 1)[0]))
        if b"connection: close" in head:
            writer.close()
        else:
            self._idle.append((time.monotonic(), reader, writer))
        return int(head[9:12])

    def _fresh(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter] | None:
        if not self._idle:
            return None
        since, reader, writer = self._idle.pop()
        if time.monotonic() - since < _IDLE_S:
            return reader, writer
        self.close()  # the last one used idled too long, so all others did
        writer.close()
        return None

    def close(self) -> None:
        for _, _, writer in self._idle:
            writer.close()
        self._idle.clear()


async def run_load(url: str, requests: Iterable[bytes], rate: float, seconds: float, patience_s: float = 10.0) -> Load:
    """Send ``rate`` requests a second for ``seconds``, each on a connection that no other request is using."""
    load, connections = Load(), _Connections(url)
    begun = time.perf_counter()

    async def one(due: float, request: bytes) -> None:
        try:
            status = await asyncio.wait_for(connections.ask(request), patience_s)
        except (OSError, EOFError, TimeoutError) as failure:
            load.failures.append(f"{type(failure).__name__}: {failure}")
            return
        load.waits_ms.append((time.perf_counter() - due) * 1000)
        load.statuses[status] = load.statuses.get(status, 0) + 1

    pending: set[asyncio.Task[None]] = set()
    for number, request in zip(range(int(rate * seconds)), requests, strict=False):
        due = begun + number / rate
        await asyncio.sleep(max(0.0, due - time.perf_counter()))
        task = asyncio.create_task(one(due, request))
        pending.add(task)
        task.add_done_callback(pending.discard)
    if pending:
        await asyncio.wait(pending)
    connections.close()
    return load


def offer_load(url: str, requests: Iterable[bytes], rate: float, seconds: float) -> Load:
    """``run_load`` on an event loop of its own."""
    return uvloop.run(run_load(url, requests, rate, seconds))


def in_random_order(requests: Sequence[bytes], seed: int) -> Iterator[bytes]:
    """The requests, drawn with replacement, without end."""
    generator = np.random.default_rng(seed)
    while True:
        for place in generator.integers(0, len(requests), 1000).tolist():
            yield requests[place]
