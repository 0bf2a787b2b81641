"""``make bench K=publish``: publishing the pools of ``USERS`` users (100,000), 100 posts each, with features and cards.

Three things are compared in one run, on the same machine and Redis:

- **loading**: the loader sends packed pools; redis-py sends the same values, as pipelined ``SET`` and as ``MSET``, from
  as many processes. ``value`` is the loader's rate ÷ that of pipelined ``SET``.
- **the whole job**, from Delta tables to readers on the new epoch, verification included, by phase. Two readers poll.
- **bytes**: of a user's pool and features in Redis ÷ as compact JSON, one object per post.

The Delta tables are generated (``benchmarks/publish_lake.py``).
"""

import argparse
import json
import multiprocessing
import os
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import redis

from benchmarks.publish_lake import DS, FIRST_ID, POOL_SIZE, build, night_of
from contracts.epochs import POOL_DTYPES, pack_pools, unpack_pool
from contracts.features import names_of
from contracts.pointer import Pointer
from contracts.redis_keys import features_key, kind_named, pool_key
from contracts.settings import PublishRules
from serving.http.tokens import mint_token
from spark_jobs.night.lake import Lake
from spark_jobs.night.session import open_session
from spark_jobs.publish import epoch_store
from spark_jobs.publish.epochs import main as publish
from spark_jobs.publish.loading import Target, send
from tests.nights import SECRET, Reader, reader, redis_server

RULES = PublishRules()
SAMPLED_USERS = 1_000
ROUNDS = 3
_EPOCH_OF_RAW = 900

Entries = list[tuple[int, bytes]]


def packed_pools(first: int, count: int) -> Entries:
    """Random pools, by user."""
    generator = np.random.default_rng(first)
    rows, users = count * POOL_SIZE, list(range(FIRST_ID + first, FIRST_ID + first + count))
    columns: dict[str, Any] = {name: np.zeros(rows, dtype) for name, dtype in POOL_DTYPES.items()}
    columns |= {name: generator.integers(0, 2**50, rows) for name in ("post_id", "author_id", "source_id")}
    bounds = range(0, rows + 1, POOL_SIZE)
    return list(zip(users, pack_pools(_EPOCH_OF_RAW, 0, users, columns, bounds), strict=True))


def send_by_loader(url: str, entries: Entries) -> None:
    """As a publish sends them."""
    send(entries, Target(url, _EPOCH_OF_RAW, "pool", 0, RULES))


def send_pipelined(url: str, entries: Entries) -> None:
    """By pipelines of the client, with the keys at hand."""
    ttl_s = kind_named("pool").ttl_s(RULES.key_ttl_s)
    with closing(redis.Redis.from_url(url)) as client:
        for chunk in epoch_store.in_batches(_with_keys(entries), RULES.keys_per_batch):
            pipe = client.pipeline(transaction=False)
            for key, value in chunk:
                pipe.set(key, value, ex=ttl_s)
            pipe.execute()


def send_mset(url: str, entries: Entries) -> None:
    """By ``MSET``, which gives keys no time to live."""
    with closing(redis.Redis.from_url(url)) as client:
        for chunk in epoch_store.in_batches(_with_keys(entries), RULES.keys_per_batch):
            client.mset(dict(chunk))


def _with_keys(entries: Entries) -> Iterator[tuple[str, bytes]]:
    return ((pool_key(_EPOCH_OF_RAW, user), value) for user, value in entries)


WAYS: dict[str, Callable[[str, Entries], None]] = {
    "loader": send_by_loader,
    "pipelined_set": send_pipelined,
    "mset": send_mset,
}


def _one_sender(url: str, first: int, count: int, barrier: Any, results: Any) -> None:
    entries = packed_pools(first, count)
    for _ in range(ROUNDS):
        for name, way in WAYS.items():
            barrier.wait()
            started = time.monotonic()
            way(url, entries)
            results.put((name, started, time.monotonic(), sum(len(value) for _, value in entries)))
            barrier.wait()  # the parent empties Redis


def measure_loading(url: str, num_users: int) -> dict[str, float]:
    """Megabytes of values a second, the best of ``ROUNDS``, by way; all processes of a way send at the same time."""
    senders = os.cpu_count() or 1
    context = multiprocessing.get_context("spawn")
    barrier, results = context.Barrier(senders + 1), context.Queue()
    each = num_users // senders
    processes = [
        context.Process(target=_one_sender, args=(url, number * each, each, barrier, results))
        for number in range(senders)
    ]
    for process in processes:
        process.start()
    rates: dict[str, list[float]] = {name: [] for name in WAYS}
    with closing(redis.Redis.from_url(url)) as client:
        for _ in range(ROUNDS * len(WAYS)):
            barrier.wait()
            ran = [results.get() for _ in processes]
            seconds = max(end for _, _, end, _ in ran) - min(start for _, start, _, _ in ran)
            rates[ran[0][0]].append(sum(size for *_, size in ran) / seconds / 1e6)
            print(f"{ran[0][0]:14} {rates[ran[0][0]][-1]:7.1f} MB/s", flush=True)
            client.flushall()
            barrier.wait()
    for process in processes:
        process.join()
    return {name: round(max(found), 1) for name, found in rates.items()}


class Watcher(threading.Thread):
    """Asks one reader for a feed, without a pause, and notes when each epoch answered last."""

    def __init__(self, running: Reader) -> None:
        super().__init__(daemon=True)
        self._running, self._stop_it = running, threading.Event()
        self.last_seen: dict[int, float] = {}

    def run(self) -> None:
        """Ask until ``end``."""
        headers = {"Authorization": f"Bearer {mint_token(FIRST_ID, SECRET.encode(), lifetime_s=3600)}"}
        with httpx.Client(timeout=10) as client:
            while not self._stop_it.is_set():
                answer = client.get(f"{self._running.url}/api/v1/feed", headers=headers)
                self.last_seen[answer.json()["metadata"]["epoch"]] = time.monotonic()
                time.sleep(0.01)

    def end(self) -> None:
        """Stop asking."""
        self._stop_it.set()
        self.join()


def seconds_to_follow(client: "redis.Redis", url: str, folder: Path) -> float:
    """Seconds from a flip to the last answer of the epoch before, over two readers."""
    live = epoch_store.read_pointer(client)
    if live is None or live.previous is None:
        raise SystemExit("two epochs must have been published")
    with ExitStack() as stack:
        readers = [stack.enter_context(reader(url, folder / f"reader-{number}.log")) for number in range(2)]
        watchers = [Watcher(running) for running in readers]
        for watcher in watchers:
            watcher.start()
        while not all(watcher.last_seen for watcher in watchers):
            time.sleep(0.05)
        epoch_store.flip(client, live, Pointer(live.previous, live.stable, int(time.time())))
        flipped = time.monotonic()
        while not all(live.previous in watcher.last_seen for watcher in watchers):
            time.sleep(0.05)
        for watcher in watchers:
            watcher.end()
    return max(0.0, max(watcher.last_seen[live.stable] for watcher in watchers) - flipped)


def bytes_per_user(client: "redis.Redis", epoch: int) -> tuple[float, float]:
    """Mean bytes of a user's packed pool and features, and of the same fields as compact JSON."""
    packed = text = 0
    for user in range(FIRST_ID, FIRST_ID + SAMPLED_USERS):
        values: Any = client.mget(pool_key(epoch, user), features_key(epoch, user))
        columns = {name: column.tolist() for name, column in unpack_pool(values[0]).columns.items()}
        posts = [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]
        numbers = np.frombuffer(values[1], "<f2").tolist()
        document = {"posts": posts, "features": [round(number, 4) for number in numbers]}
        packed += sum(map(len, values))
        text += len(json.dumps(document, separators=(",", ":")))
    return packed / SAMPLED_USERS, text / SAMPLED_USERS


def main() -> None:
    """Measure and print; the JSON line comes last."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--users", type=int, default=int(os.environ.get("USERS") or 100_000))
    users = parser.parse_args().users
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        with redis_server(folder) as url, closing(redis.Redis.from_url(url)) as client:
            rates = measure_loading(url, users)
            lake = Lake(open_session("benchmark of publish"), str(folder / "lake"))
            night = night_of(lake, str(folder / "runs"), url)
            print(f"building the tables of {users:,} users and {len(names_of('user'))} features", flush=True)
            build(night, users)
            seconds = []
            for _ in range(2):
                started = time.monotonic()
                publish(night)
                seconds.append(time.monotonic() - started)
            record = night.files.publish.read()
            epoch = record["epoch"]
            packed, text = bytes_per_user(client, epoch)
            follow_s = seconds_to_follow(client, url, folder)
    for phase, spent in record["seconds"].items():
        print(f"{phase:10} {spent:7.2f} s")
    figures = {
        "metric": "publish_load_ratio",
        "value": round(rates["loader"] / rates["pipelined_set"], 2),
        "ratio_to_mset": round(rates["loader"] / rates["mset"], 2),
        "mb_per_s": rates,
        "users": users,
        "job_s": [round(one, 1) for one in seconds],
        "phases_s": record["seconds"],
        "bytes_per_user": round(packed),
        "ratio_to_json": round(packed / text, 3),
        "follow_s": round(follow_s, 3),
        "ds": DS.isoformat(),
    }
    print(json.dumps(figures))


if __name__ == "__main__":
    main()
