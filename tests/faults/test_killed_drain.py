"""A drain killed anywhere loses nothing and lands nothing twice: each step of a batch, and at random instants."""

import json
import random
import signal
import subprocess
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from contracts.collector_keys import DRAINING, LINE_FIELD, STREAM
from tests.serving.collector.collector_world import impression, kept_in
from tests.serving.drain.drain_process import STEPS, landed, start_drain
from tests.serving.reader_world import RedisServer

EVENTS = 25


@pytest.fixture
def stream(tmp_path: Path) -> Iterator[RedisServer]:
    yield from RedisServer.running(*kept_in(tmp_path))


def fill(server: RedisServer, first: int, count: int) -> None:
    """Events of two days in turns, so that a batch has two files."""
    pipe = server.client.pipeline(transaction=False)
    for number in range(first, first + count):
        received = f"2026-03-0{8 + number % 2}T12:00:00.000000Z"
        pipe.xadd(STREAM, {LINE_FIELD: json.dumps(impression(number) | {"received_at": received})})
    pipe.execute()


def start(server: RedisServer, landing: Path, dies: str | None = None) -> subprocess.Popen[bytes]:
    return start_drain(server.url, landing, "--set", "drain.file_events=10", dies=dies)


def each_once(count: int) -> Counter[str]:
    return Counter(f"17:{number}" for number in range(count))


@pytest.mark.parametrize("step", STEPS)
def test_killed_drain_at_each_step(stream: RedisServer, tmp_path: Path, step: str) -> None:
    landing = tmp_path / "landing"
    fill(stream, 0, EVENTS)
    assert start(stream, landing, step).wait() == -signal.SIGKILL
    assert set(landed(landing).values()) <= {1}
    fill(stream, EVENTS, 5)
    assert start(stream, landing).wait() == 0
    assert landed(landing) == each_once(EVENTS + 5)
    assert list(landing.rglob(".collected*")) == []
    assert (stream.client.xlen(STREAM), stream.client.exists(DRAINING)) == (0, 0)
    print(f"killed {step}: {EVENTS + 5} events, each landed once")


def test_killed_drain_at_random_instants(stream: RedisServer, tmp_path: Path) -> None:
    landing, chance, kills, total = tmp_path / "landing", random.Random(20), 0, 0
    for _ in range(4):
        fill(stream, total, 300)
        total += 300
        process = start(stream, landing)
        time.sleep(chance.uniform(0.3, 1.2))
        process.kill()
        kills += process.wait() == -signal.SIGKILL
    assert start(stream, landing).wait() == 0
    assert landed(landing) == each_once(total)
    print(f"{kills} drains killed at random: {total} events, each landed once")
