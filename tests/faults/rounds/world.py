"""What the rounds break: a Redis with published epochs, readers that are polled all the time, live suppression."""

import json
import shutil
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import httpx

from contracts.pointer import Pointer
from contracts.redis_keys import POINTER_KEY
from spark_jobs.publish import ledger
from tests.epoch_table import epoch_table
from tests.faults.rounds import epochs_in_redis
from tests.faults.rounds.answers import AnswerLog
from tests.faults.rounds.content import USERS
from tests.faults.rounds.events import Events
from tests.faults.rounds.jobs import DONE, DS, Child, Job, publish, roll_back
from tests.faults.rounds.oracle import Flip, Oracle, Truth
from tests.faults.rounds.poller import poll
from tests.faults.rounds.servers import start_redis
from tests.faults.rounds.steps import Trap
from tests.faults.rounds.suppressing import Suppressing
from tests.nights import Reader, service

NUM_READERS = 2
REFRESH_S, BLOCKS_S, BREAKER_S = 0.2, 0.3, 0.5
"""A reader of the rounds reads and probes more often than one in production, so that a round takes seconds."""
_OPTIONS = (
    f"--breaker-open-s={BREAKER_S}", "--set", f"reader.refresh_s={REFRESH_S}", "--set",
    f"reader.blocks_refresh_s={BLOCKS_S}",
)  # fmt: skip
_PATIENCE_S = 15.0
_CLOCK_STEP_S, _CLOCK_BEHIND_S = 60, 20 * 86_400
"""Pointers are ordered by the second, and a round flips more than once in a second: its nights have their own clock."""


@dataclass(frozen=True)
class Running:
    """A job under way, and what it tells."""

    child: Child
    job: Job

    def wait(self) -> int | None:
        return self.child.wait()

    @property
    def told(self) -> dict[str, Any]:
        path = Path(self.job.told)
        found: dict[str, Any] = json.loads(path.read_text()) if path.exists() else {}
        return found


class World:
    """All of it, in one folder; ``broken`` are sentences about rules that were broken."""

    def __init__(self, folder: Path, seed: int, events: Events) -> None:
        self.folder, self._seed, self.events = folder, seed, events
        self.broken: list[str] = []
        self.latencies_ms: list[float] = []
        self.steps: list[str] = []
        self.publish_s = 0.0
        self._num_jobs = 0
        self._clock = int(time.time()) - _CLOCK_BEHIND_S

    def __enter__(self) -> Self:
        for name in ("redis", "lake", "runs"):
            (self.folder / name).mkdir(parents=True)
        self.table = epoch_table(self.folder / "lake")
        audit = {"ds": DS.isoformat(), "passed": True, "ranked_version": 0, "ads_version": 0, "checks": []}
        night = self.folder / "runs" / DS.isoformat()
        night.mkdir()
        (night / "audit.json").write_text(json.dumps(audit))
        with ExitStack() as stack:
            options = ("--save", "", "--dir", str(self.folder / "redis"), "--appendonly", "yes", "--appendfsync", "no")
            self.server = start_redis(*options)
            stack.callback(self.server.kill)
            self.suppressing = Suppressing(self.server)
            for _ in range(3):  # from the third on, a publish removes an epoch
                self._publish_first()
            self.readers = [stack.enter_context(self._reader(number)) for number in range(NUM_READERS)]
            self._wait_for_readers()
            self._truth = Truth()
            self._oracles = [Oracle(self._truth) for _ in self.readers]
            self._logs = [AnswerLog(self.folder / f"answers-{number}.jsonl") for number in range(NUM_READERS)]
            for number, reader in enumerate(self.readers):
                stack.callback(self._poller(number, reader).kill)
            self._stack = stack.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def _publish_first(self) -> None:
        began = time.monotonic()
        running = self.start_publish()
        if running.wait() != DONE:
            raise RuntimeError(f"a publish without any fault failed, see {running.child.log}")
        self.steps, self.publish_s = running.told["steps"], time.monotonic() - began

    @contextmanager
    def _reader(self, number: int) -> Iterator[Reader]:
        words = ("--host", "127.0.0.1", "--redis", self.server.url, *_OPTIONS)
        with service("serving.reader", self.folder / f"reader-{number}.log", *words) as (url, pid):
            yield Reader(url, pid)

    def _poller(self, number: int, reader: Reader) -> Child:
        log = self._logs[number].path
        return Child(poll, reader.url, str(log), self._seed + number, log=self.folder / f"poller-{number}.log")

    def start_publish(self, *traps: Trap) -> Running:
        """Begin to publish the next content."""
        job = self._next_job(traps)
        return Running(Child(publish, job, log=self.folder / "jobs.log"), job)

    def start_rollback(self, why: str, *traps: Trap) -> Running:
        """Begin to roll back the newest epoch."""
        job = self._next_job(traps)
        return Running(Child(roll_back, job, why, log=self.folder / "jobs.log"), job)

    def _next_job(self, traps: tuple[Trap, ...]) -> Job:
        self._num_jobs += 1
        number = self._num_jobs
        return Job(
            url=self.server.url,
            lake=str(self.folder / "lake"),
            runs=str(self.folder / "runs"),
            told=str(self.folder / f"told-{number}.json"),
            flips=str(self.folder / "flips.jsonl"),
            content=number,
            clock=self._clock + number * _CLOCK_STEP_S,
            traps=traps,
        )

    def violate(self, sentence: str) -> None:
        """Note that a rule was broken."""
        self.broken.append(sentence)

    def restart_redis(self, *, is_emptied: bool) -> None:
        """Start the killed Redis again. If it lost its data, services bring back what they had suppressed."""
        if is_emptied:
            shutil.rmtree(self.folder / "redis")
            (self.folder / "redis").mkdir()
        self.server.start()
        if is_emptied:
            self.suppressing.restore()

    @property
    def pointer(self) -> Pointer | None:
        value = self.server.client.get(POINTER_KEY)
        return None if value is None else Pointer.loads(value)

    def rows(self) -> list[ledger.EpochRow]:
        return ledger.read_rows(self.table)

    def contents(self) -> dict[int, int]:
        """The content of every epoch that was recorded as built."""
        manifests = {row.epoch: json.loads(row.manifest) for row in self.rows()}
        return {epoch: manifest["content"] for epoch, manifest in manifests.items() if "content" in manifest}

    def check_served(self) -> None:
        """The epochs that the pointer names are whole in Redis, at any time."""
        pointer = self.pointer
        if pointer is None:
            return
        contents = self.contents()
        for epoch in pointer.named:
            if epoch not in contents:
                self.violate(f"the pointer names epoch {epoch}, which was never recorded as built")
                continue
            problem = epochs_in_redis.problem_of(self.server.client, self.server.url, epoch, contents[epoch])
            if problem:
                self.violate(f"the pointer names epoch {epoch}: {problem}")

    def heal(self) -> None:
        """Publish as the next night does: whatever was left is cleared up, and readers follow."""
        self.suppressing.lift_oldest()
        running = self.start_publish()
        status = running.wait()
        if status != DONE:
            self.violate(f"the publish after the fault ends with {status}, see {running.child.log}")
            self.start_publish().wait()
        self._check_settled()
        self._wait_for_readers()
        self.suppressing.end_disturbance()

    def _check_settled(self) -> None:
        pointer, rows = self.pointer, self.rows()
        if pointer is None:
            self.violate("there is no pointer after a publish")
            return
        stale = [(row.epoch, row.status) for row in ledger.in_line_with(pointer, rows, may_be_at_work=False)]
        if stale:
            self.violate(f"rows that should be {stale} contradict {pointer}")
        orphans = epochs_in_redis.found_in(self.server.client) - set(pointer.named)
        if orphans:
            self.violate(f"keys of epochs {sorted(orphans)} are left, and {pointer} names none of them")
        self.check_served()

    def _wait_for_readers(self) -> None:
        pointer = self.pointer
        wanted, found = (pointer.stable if pointer else 0, "redis"), (0, "")
        for number, reader in enumerate(self.readers):
            deadline = time.monotonic() + _PATIENCE_S
            while found != wanted and time.monotonic() < deadline:
                time.sleep(0.03)
                found = _served(reader)
            if found != wanted:
                self.violate(f"reader {number} does not recover: {found} after {_PATIENCE_S} s, must be {wanted}")
            found = (0, "")

    def judge(self) -> int:
        """Hold the answers since the last call against the rules; returns how many there were."""
        answers = [log.new() for log in self._logs]
        self._truth.contents = self.contents()
        self._truth.flips = read_flips(self.folder / "flips.jsonl")
        self._truth.withheld = self.suppressing.withheld()
        for number, (oracle, of_reader) in enumerate(zip(self._oracles, answers, strict=True)):
            self.broken += [f"reader {number}: {sentence}" for sentence in oracle.judge(of_reader)]
        self.latencies_ms = [answer.took_ms for of_reader in answers for answer in of_reader]
        return len(self.latencies_ms)


def _served(reader: Reader) -> tuple[int, str]:
    """Epoch and level that a reader serves one user from."""
    try:
        body = reader.feed(USERS[-1]).json()
        return int(body["metadata"]["epoch"]), str(body["metadata"]["served_from"])
    except (httpx.HTTPError, ValueError, KeyError) as error:
        return 0, f"{type(error).__name__}: {error}"


def read_flips(log: Path) -> list[Flip]:
    """The flips of all jobs, without those that were refused."""
    lines = [json.loads(line) for line in log.read_bytes().splitlines()]
    refused = {(line["process"], line["published_at"]) for line in lines if line.get("refused")}
    return [
        Flip(line["published_at"], line["epoch"], line["at"])
        for line in lines
        if (line["process"], line["published_at"]) not in refused
    ]
