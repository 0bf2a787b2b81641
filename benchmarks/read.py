"""``make bench K=read``: p50 and p99 of feed requests as a client sees them, 500 a second for 2,000 users.

The benchmark starts a Redis and a reader, and writes pools of 300 posts out of 5,000, cards of real size, block and
hidden sets. Requests are sent at fixed times, each for a random user, and latency is measured from the time at which a
request was due. The first seconds warm the card cache and do not count. ``value`` is the p99 in milliseconds.
"""

import argparse
import json
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import redis

from contracts.epochs import FLAG_PUBLIC, POOL_DTYPES, pack_pool
from contracts.pointer import Pointer
from contracts.redis_keys import POINTER_KEY, block_key, card_key, fallback_key, hidden_key, pool_key
from serving.http.tokens import mint_token
from tests.nights import SECRET, Reader, reader, redis_server
from tests.serving.load import in_random_order, offer_load, request_bytes

POSTS, POOL_SIZE, AUTHORS = 5_000, 300, 800
TEXT_CHARACTERS = 240
SUPPRESSED = 20


def write_world(client: Any, users: int) -> None:
    """Epoch 1: a pool, blocks and hidden posts for each of ``users``, two public pools, every card, the pointer."""
    generator, now = np.random.default_rng(20), int(time.time())
    authors = generator.integers(1, AUTHORS, POSTS)
    pipe = client.pipeline(transaction=False)
    for post_id in range(POSTS):
        pipe.set(card_key(1, post_id), card(post_id, int(authors[post_id])))
    for user_id in range(users):
        pipe.set(pool_key(1, user_id), pool_of(generator, authors, now, owner=user_id))
        pipe.sadd(block_key(user_id), *generator.integers(1, AUTHORS, SUPPRESSED).tolist())
        pipe.sadd(hidden_key(user_id), *generator.integers(0, POSTS, SUPPRESSED).tolist())
    for kind in ("popular", "chronological"):
        pipe.set(fallback_key(1, kind), pool_of(generator, authors, now, owner=None))
    pipe.set(POINTER_KEY, Pointer(1, None, now).dumps())
    pipe.execute()


def pool_of(generator: np.random.Generator, authors: Any, now: int, owner: int | None) -> bytes:
    """A pool of ``POOL_SIZE`` random public posts; every coded column is 0."""
    post_ids = generator.choice(POSTS, POOL_SIZE, replace=False)
    columns: dict[str, Any] = {name: np.zeros(POOL_SIZE, dtype) for name, dtype in POOL_DTYPES.items()}
    columns |= {"post_id": post_ids, "author_id": authors[post_ids], "flags": np.full(POOL_SIZE, FLAG_PUBLIC)}
    return pack_pool(1, now, owner, columns)


def card(post_id: int, author_id: int) -> bytes:
    """A card with a text of ordinary length."""
    author = {"id": str(author_id), "name": f"Author {author_id}"}
    value = {
        "id": str(post_id),
        "author": author,
        "content": {"type": "status", "text": "lorem " * (TEXT_CHARACTERS // 6), "hashtags": ["x"], "media_count": 0},
        "source": {"type": "friend", **author},
        "created_at": "2026-03-08T11:20:00Z",
        "stats": {"likes": 3, "comments": 1, "shares": 0},
        "privacy": "public",
    }
    return json.dumps(value, separators=(",", ":")).encode()


def measure(running: Reader, users: int, rate: float, seconds: float, warm_s: float) -> dict[str, Any]:
    """Offer the load; returns percentiles and CPU time per feed in ms, and the reader's memory in MB."""
    requests = [
        request_bytes("/api/v1/feed?count=20", mint_token(user, SECRET.encode(), lifetime_s=3600))
        for user in range(users)
    ]
    offer_load(running.url, in_random_order(requests, 1), rate, warm_s)
    process = psutil.Process(running.pid)
    used = sum(process.cpu_times()[:2])
    load = offer_load(running.url, in_random_order(requests, 2), rate, seconds)
    if not load.waits_ms:
        raise SystemExit(f"no request was answered: {load.failures[:3]}")
    cpu_ms = 1000 * (sum(process.cpu_times()[:2]) - used) / len(load.waits_ms)
    percentiles = {f"p{share}_ms": load.percentile(share) for share in (50, 99)}
    rest = {"statuses": load.statuses, "failures": len(load.failures)}
    return (
        percentiles
        | rest
        | {"cpu_ms_per_feed": round(cpu_ms, 3), "reader_mb": round(process.memory_info().rss / 2**20)}
    )


def main() -> None:
    """Measure and print; the JSON line comes last."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--users", type=int, default=2_000)
    parser.add_argument("--rate", type=float, default=500.0, help="requests a second (default %(default)s)")
    parser.add_argument("--seconds", type=float, default=20.0, help="measured (default %(default)s)")
    parser.add_argument("--warm-s", type=float, default=10.0, help="left out before (default %(default)s)")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        with redis_server(folder) as url:
            write_world(redis.Redis.from_url(url), options.users)
            with reader(url, folder / "log") as running:
                figures = measure(running, options.users, options.rate, options.seconds, options.warm_s)
    print(json.dumps({"metric": "read_p99_ms", "value": figures["p99_ms"], "users": options.users} | figures))


if __name__ == "__main__":
    main()
