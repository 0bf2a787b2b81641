"""A drain killed anywhere loses nothing and lands nothing twice: each step of a batch, and at random instants."""

import json
import os
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from contracts.collector_keys import DRAINING, LINE_FIELD, STREAM
from spark_jobs.ingest.landing_area import list_files
from tests.nights import ROOT
from tests.serving.collector.collector_world import impression, kept_in
from tests.serving.reader_world import RedisServer

EVENTS, PER_FILE = 25, 10
DIE = "os.kill(os.getpid(), signal.SIGKILL)"
STEPS = {
    "before the note": f"redis.Redis.set = lambda *a, **k: {DIE}",
    "before writing": f"drain.write_lines = lambda *a: {DIE}",
    "before the second file": """
written = drain.write_lines
count = iter(range(9))
drain.write_lines = lambda *a: written(*a) if next(count) < 1 else DIE()""",
    "after writing, before the rename": f"pathlib.Path.rename = lambda *a: {DIE}",
    "after the rename, before the folder is synced": f"landed_files.sync_folder = lambda *a: {DIE}",
    "before the trim": f"redis.client.Pipeline.execute = lambda *a: {DIE}",
    "after the trim": """
executed = redis.client.Pipeline.execute
redis.client.Pipeline.execute = lambda *a: (executed(*a), DIE())""",
}
PROGRAM = """
import os, pathlib, signal, sys, redis
from serving.drain import drain, landed_files
from serving.drain.__main__ import main
DIE = lambda: os.kill(os.getpid(), signal.SIGKILL)
{fault}
sys.exit(main(sys.argv[1:]))
"""


@pytest.fixture
def stream(tmp_path: Path) -> Iterator[RedisServer]:
    for server in RedisServer.running(*kept_in(tmp_path)):
        fill(server, EVENTS)
        yield server


def fill(server: RedisServer, count: int) -> None:
    """Events of two days, evening and morning: a batch writes several files."""
    pipe = server.client.pipeline(transaction=False)
    for number in range(count):
        received = f"2026-03-0{8 + number % 2}T12:00:00.000000Z"
        pipe.xadd(STREAM, {LINE_FIELD: json.dumps(impression(number) | {"received_at": received})})
    pipe.execute()


def start(server: RedisServer, landing: Path, fault: str = "") -> subprocess.Popen[bytes]:
    words = ["--redis", server.url, "--landing", str(landing), "--once", "--set", f"drain.file_events={PER_FILE}"]
    program = PROGRAM.format(fault=fault)
    env = {**os.environ, "PYTHONPATH": str(ROOT)}
    return subprocess.Popen([sys.executable, "-c", program, *words], cwd=ROOT, env=env, stdout=subprocess.DEVNULL)


def landed(landing: Path) -> Counter[str]:
    files, refused = list_files(str(landing))
    assert refused == []
    lines = [line for file in files for line in Path(file.path).read_bytes().splitlines()]
    return Counter(json.loads(line)["event_id"] for line in lines)


@pytest.mark.parametrize("step", STEPS)
def test_killed_drain_at_each_step(stream: RedisServer, tmp_path: Path, step: str) -> None:
    landing = tmp_path / "landing"
    assert start(stream, landing, STEPS[step]).wait() == -signal.SIGKILL
    assert set(landed(landing).values()) <= {1}
    assert start(stream, landing).wait() == 0
    assert landed(landing) == Counter(f"17:{number}" for number in range(EVENTS))
    assert list(landing.rglob(".collected*")) == []
    assert (stream.client.xlen(STREAM), stream.client.exists(DRAINING)) == (0, 0)
    print(f"killed {step}: {EVENTS} events, each landed once")


def test_killed_drain_at_random_instants(stream: RedisServer, tmp_path: Path) -> None:
    landing, chance, kills = tmp_path / "landing", random.Random(20), 0
    total = EVENTS
    for _ in range(4):
        fill_more(stream, total, 300)
        total += 300
        process = start(stream, landing)
        time.sleep(chance.uniform(0.3, 1.2))
        process.kill()
        kills += process.wait() == -signal.SIGKILL
    assert start(stream, landing).wait() == 0
    assert landed(landing) == Counter(f"17:{number}" for number in range(total))
    print(f"{kills} drains killed at random: {total} events, each landed once")


def fill_more(server: RedisServer, first: int, count: int) -> None:
    pipe = server.client.pipeline(transaction=False)
    for number in range(first, first + count):
        line = json.dumps(impression(number) | {"received_at": "2026-03-08T12:00:00.000000Z"})
        pipe.xadd(STREAM, {LINE_FIELD: line})
    pipe.execute()
