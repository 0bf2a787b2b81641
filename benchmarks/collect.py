"""``make bench K=collect``: p50 and p99 until a batch of events is acknowledged, at 200 batches a second.

The benchmark starts a Redis that syncs every write and a collector. Requests are sent at fixed times, each a batch of
new events of one of many users, and latency is measured from the time at which a request was due. Before and after, the
same lines go to the same Redis as bare XADDs, one round trip per batch, at the same rate: that is the share of disk and
Redis. ``value`` is the p99 of the acknowledgement in milliseconds.
"""

import argparse
import asyncio
import json
import os
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import redis.asyncio
import uvloop

from contracts.collector_keys import LINE_FIELD, STREAM
from serving.collector.app import utc_now
from serving.collector.events import time_text
from tests.serving.collector.collector_process import batch_request, collector
from tests.serving.collector.collector_world import impression, kept_in, ndjson
from tests.serving.load import offer_load
from tests.serving.reader_world import RedisServer

USERS = 1_000


def bodies(events: int, first: int) -> Iterator[tuple[int, bytes]]:
    """Users in turns, each with a batch of new events, without end."""
    number = first
    while True:
        user, now = 1 + number % USERS, time_text(utc_now())
        ids = range(number * events, (number + 1) * events)
        yield user, ndjson(*(impression(one, user_id=user, event_time=now, position=3, surface="feed") for one in ids))
        number += 1


async def add_bare(url: str, events: int, rate: float, seconds: float) -> list[float]:
    """Milliseconds from the time at which each batch was due until Redis has appended it, without a collector."""
    client: Any = redis.asyncio.Redis.from_url(url, max_connections=256)
    waits: list[float] = []
    begun = time.perf_counter()

    async def one(due: float, lines: list[bytes]) -> None:
        pipe = client.pipeline(transaction=False)
        for line in lines:
            pipe.xadd(STREAM, {LINE_FIELD: line})
        await pipe.execute()
        waits.append((time.perf_counter() - due) * 1000)

    tasks = []
    for number, (_, body) in zip(range(int(rate * seconds)), bodies(events, 0), strict=False):
        due = begun + number / rate
        await asyncio.sleep(max(0.0, due - time.perf_counter()))
        tasks.append(asyncio.create_task(one(due, body.splitlines())))
    await asyncio.gather(*tasks)
    await client.aclose()
    return waits


def percentiles(waits: list[float], name: str) -> dict[str, float]:
    """p50 and p99, in milliseconds."""
    return {f"{name}_p{share}_ms": round(float(np.percentile(waits, share)), 2) for share in (50, 99)}


def measure(server: RedisServer, folder: Path, options: argparse.Namespace) -> dict[str, Any]:
    """Measure bare, through the collector, and bare again; each after a warm-up that does not count."""
    rate, seconds, events = options.rate, options.seconds, options.events
    figures: dict[str, Any] = {}

    def bare(name: str) -> None:
        uvloop.run(add_bare(server.url, events, rate, options.warm_s))
        figures.update(percentiles(uvloop.run(add_bare(server.url, events, rate, seconds)), name))
        server.client.delete(STREAM)

    bare("bare_before")
    with collector(server.url, folder / "log") as running:
        process = psutil.Process(running.pid)
        offer_load(running.url, (batch_request(b, u) for u, b in bodies(events, 10**6)), rate, options.warm_s)
        used = sum(process.cpu_times()[:2])
        load = offer_load(running.url, (batch_request(b, u) for u, b in bodies(events, 2 * 10**6)), rate, seconds)
        used = sum(process.cpu_times()[:2]) - used
    if not load.waits_ms:
        raise SystemExit(f"no request was answered: {load.failures[:3]}")
    figures |= percentiles(load.waits_ms, "ack")
    figures |= {"statuses": load.statuses, "failures": len(load.failures), "entries": server.client.xlen(STREAM)}
    figures["cpu_ms_per_batch"] = round(1000 * used / len(load.waits_ms), 2)
    server.client.delete(STREAM)
    bare("bare_after")
    return figures


def main() -> None:
    """Measure and print; the JSON line comes last."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rate", type=float, default=200.0, help="batches a second (default %(default)s)")
    parser.add_argument("--events", type=int, default=5, help="events of a batch (default %(default)s)")
    parser.add_argument("--seconds", type=float, default=20.0, help="measured (default %(default)s)")
    parser.add_argument("--warm-s", type=float, default=5.0, help="left out before (default %(default)s)")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for server in RedisServer.running(*kept_in(folder)):
            figures = measure(server, folder, options)
    conditions = {"rate": options.rate, "events": options.events, "load_average": round(os.getloadavg()[0], 1)}
    print(json.dumps({"metric": "collect_p99_ms", "value": figures["ack_p99_ms"]} | conditions | figures))


if __name__ == "__main__":
    main()
