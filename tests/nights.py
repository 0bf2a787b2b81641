"""Whole nights for acceptance tests: a simulated network, every stage in one session, a Redis, a reader."""

import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import httpx
import redis

from contracts.pipeline import RUNNER, STAGES
from contracts.pointer import Pointer
from contracts.redis_keys import POINTER_KEY
from serving.http.tokens import mint_token
from spark_jobs.night.night import Night
from spark_jobs.night.run import failures, run_stage
from spark_jobs.night.session import PROPERTIES

ROOT = Path(__file__).resolve().parents[1]
SECRET = "a secret of the tests, at least 32 bytes"


class NightStopped(Exception):  # noqa: N818 - what the operator reads
    """A gate stopped the night; the message names table, rule and rows."""


def run_night(night: Night, stages: Iterable[str] = STAGES) -> None:
    """Run the stages in order, as the DAG does: a critical gate failure stops what follows."""
    for stage in stages:
        lines = [line for verdict in run_stage(night, stage) if not verdict["success"] for line in failures(verdict)]
        if lines:
            raise NightStopped("; ".join(line for line in lines if line.startswith("critical")))


def free_port() -> int:
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        return int(held.getsockname()[1])


def wait_until_open(port: int, patience_s: float = 60.0) -> None:
    deadline = time.monotonic() + patience_s
    while time.monotonic() < deadline:
        with socket.socket() as connection:
            if connection.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.05)
    raise TimeoutError(f"nothing listens on port {port} after {patience_s} s")


@contextmanager
def redis_server(folder: Path) -> Iterator[str]:
    port = free_port()
    words = ["--port", str(port), "--dir", str(folder), "--save", "", "--maxmemory-policy", "noeviction"]
    process = subprocess.Popen(["redis-server", *words], stdout=subprocess.DEVNULL)
    try:
        wait_until_open(port)
        yield f"redis://127.0.0.1:{port}/0"
    finally:
        process.kill()
        process.wait()


@dataclass
class Reader:
    """A reader process on a port of its own."""

    url: str
    pid: int

    def feed(self, user_id: int, **query: str | int) -> httpx.Response:
        token = mint_token(user_id, SECRET.encode(), lifetime_s=600)
        headers = {"Authorization": f"Bearer {token}"}
        return httpx.get(f"{self.url}/api/v1/feed", params=query, headers=headers, timeout=10)

    def whole_feed(self, user_id: int, client: httpx.Client) -> tuple[list[dict[str, Any]], dict[str, Any]]:
        """Every page of one user's feed, and the first page's metadata."""
        headers = {"Authorization": f"Bearer {mint_token(user_id, SECRET.encode(), lifetime_s=600)}"}
        posts: list[dict[str, Any]] = []
        query: dict[str, str | int] = {"count": 50}
        metadata: dict[str, Any] = {}
        while True:
            answer = client.get(f"{self.url}/api/v1/feed", params=query, headers=headers)
            assert answer.status_code == 200, answer.text
            page = answer.json()
            metadata = metadata or page["metadata"]
            posts += page["posts"]
            if not page["has_more"]:
                return posts, metadata
            query = {"count": 50, "cursor": page["next_cursor"]}


@contextmanager
def service(module: str, log: Path, *options: str) -> Iterator[tuple[str, int]]:
    """``python -m module`` as a process on a port of its own: its URL and its pid."""
    port = free_port()
    command = [sys.executable, "-m", module, "--port", str(port), *options]
    env = {**os.environ, "FEEDLAKE_JWT_SECRET": SECRET, "PYTHONPATH": str(ROOT)}
    with log.open("wb") as output:
        process = subprocess.Popen(command, cwd=ROOT, env=env, stdout=output, stderr=output)
    try:
        wait_until_open(port)
        yield f"http://127.0.0.1:{port}", process.pid
    finally:
        process.kill()
        process.wait()


@contextmanager
def reader(redis_url: str, log: Path, *options: str) -> Iterator[Reader]:
    """A reader that waits for Redis longer than one in production: a machine full of Spark may keep both waiting."""
    words = ("--host", "127.0.0.1", "--redis", redis_url, "--redis-timeout-ms", "2000", *options)
    with service("serving.reader", log, *words) as (url, pid):
        yield Reader(url, pid)


@dataclass
class Polling(ABC):
    """Reads one user's feed over and over in a thread of its own, until the block ends."""

    reader: Reader
    user_id: int
    _stop: threading.Event = field(default_factory=threading.Event, init=False)

    def __enter__(self) -> Self:
        self._thread = threading.Thread(target=self._poll, daemon=True)
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        self._stop.set()
        self._thread.join()

    def _poll(self) -> None:
        with httpx.Client(timeout=10) as client:
            while not self._stop.is_set():
                self.read(client)

    @abstractmethod
    def read(self, client: httpx.Client) -> None:
        """Read the feed once, and keep what the test compares."""


@dataclass
class Poller(Polling):
    """Keeps every distinct answer, to show that epochs are seen whole."""

    answers: dict[int, set[str]] = field(default_factory=dict)
    errors: list[str] = field(default_factory=list)
    num_reads: int = 0

    def read(self, client: httpx.Client) -> None:
        """Read the whole feed; answers from below the live epoch are errors."""
        try:
            posts, metadata = self.reader.whole_feed(self.user_id, client)
            content = json.dumps([(post["id"], post["ranking_score"]) for post in posts])
            self.answers.setdefault(metadata["epoch"], set()).add(content)
            if metadata["served_from"] not in ("redis", "memory"):
                self.errors.append(f"served from {metadata['served_from']}")
        except (AssertionError, httpx.HTTPError) as failure:
            self.errors.append(str(failure))
        self.num_reads += 1
        time.sleep(0.05)


def submit(night: Night, *stages: str, log: Path, conf: Path = PROPERTIES) -> subprocess.Popen[bytes]:
    """Start stages as the scheduler does: spark-submit, in a process group that can be killed."""
    binary = Path(sys.executable).parent / "spark-submit"
    command = [str(binary), "--properties-file", str(conf), str(ROOT / RUNNER)]
    command += [*stages, "--ds", night.ds.isoformat(), "--lake", night.lake.root, "--landing", night.landing]
    command += ["--runs", str(night.runs), "--redis", night.redis_url, "--strict"]
    left_out = ("PYSPARK_GATEWAY_PORT", "PYSPARK_GATEWAY_SECRET", "PYSPARK_SUBMIT_ARGS")
    env = {key: value for key, value in os.environ.items() if key not in left_out}
    env |= {"PYSPARK_PYTHON": sys.executable, "PYTHONPATH": str(ROOT)}
    with log.open("wb") as output:
        return subprocess.Popen(command, cwd=ROOT, env=env, stdout=output, stderr=output, start_new_session=True)


def kill(process: subprocess.Popen[bytes]) -> None:
    """Kill -9 the whole process group and wait for it."""
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def pointer(redis_url: str) -> Pointer:
    value: Any = redis.Redis.from_url(redis_url).get(POINTER_KEY)
    return Pointer.loads(value)
