"""Publish and rollback as processes that can be killed: forked from one that has imported everything.

The publish is that of a night, ``spark_jobs.publish.epochs.main``. Its content is given, and Spark is a stand-in.
"""

import multiprocessing
import os
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from contracts.places import Place, table_below
from contracts.settings import PublishRules, Settings
from spark_jobs.night.night import Night
from spark_jobs.publish import building, epoch_store, epochs, ledger, narrowing, rollback, settling, suppression
from spark_jobs.publish.epoch_store import PublishFailed
from spark_jobs.publish.orders import Order, RefusedError
from spark_jobs.publish.reading import Content
from tests.faults.rounds import content
from tests.faults.rounds.stand_in import PARTITIONS, LakeOfEpochs, NoFunctions, Rows, put_in
from tests.faults.rounds.steps import Steps, Trap, tell_flips

DS = date(2026, 3, 8)
RULES = PublishRules(keys_per_batch=20, compared_users=0, timeout_s=0.5)
DONE, REFUSED = 0, 3
"""Exit statuses; any other is that of an error which nobody foresaw."""
_PRELOADED = ["tests.faults.rounds.jobs", "tests.faults.rounds.poller", "tests.faults.rounds.drains"]
_CONTEXT = multiprocessing.get_context("forkserver")
_CONTEXT.set_forkserver_preload(_PRELOADED)
_PATIENCE_S = 60.0


@dataclass(frozen=True)
class Job:
    """Where a publish or a rollback works; ``clock`` is its time of day, and ``told`` and ``flips`` tell of it."""

    url: str
    lake: str
    runs: str
    told: str
    flips: str
    content: int
    clock: int
    traps: tuple[Trap, ...] = ()


class Child:
    """A process that runs one function of this module's kind; what it prints is appended to ``log``."""

    def __init__(self, target: Callable[..., None], *arguments: Any, log: Path) -> None:
        self.log = log
        self._process = _CONTEXT.Process(target=_run, args=(str(log), target, arguments), daemon=True)
        self._process.start()

    def wait(self, patience_s: float = _PATIENCE_S) -> int | None:
        """Its exit status, negative for a signal; None if it hangs, and then it is killed."""
        self._process.join(patience_s)
        status = self._process.exitcode
        if status is None:
            self.kill()
        return status

    def kill(self) -> None:
        """Kill -9, and wait for its end."""
        self._process.kill()
        self._process.join()


def _run(log: str, target: Callable[..., None], arguments: tuple[Any, ...]) -> None:
    descriptor = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
    for stream in (1, 2):
        os.dup2(descriptor, stream)
    target(*arguments)


def publish(job: Job) -> None:
    """Publish the job's content; the exit status says whether that was refused."""
    steps = _prepare(job)
    _give_content(job.content)
    lake: Any = LakeOfEpochs(job.lake)
    night = Night(lake, DS, "", Path(job.runs), replace(Settings(), publish=RULES), job.url)
    try:
        epochs.main(night)
    except PublishFailed as error:
        print(f"refused: {error}")
        sys.exit(REFUSED)
    finally:
        steps.tell()


def roll_back(job: Job, why: str) -> None:
    """Roll back whatever is newest; the exit status says whether that was refused."""
    steps = _prepare(job)
    table = str(table_below(Place.parse(job.lake), ledger.TABLE))
    try:
        print(rollback.roll_back(table, epoch_store.connect(job.url, RULES), Order("rounds", why), RULES))
    except (PublishFailed, RefusedError) as error:
        print(f"refused: {error}")
        sys.exit(REFUSED)
    finally:
        steps.tell()


def _prepare(job: Job) -> Steps:
    clock = SimpleNamespace(time=lambda: job.clock, monotonic=time.monotonic)
    for module in (epochs, settling, rollback):
        put_in(module, time=clock)
    tell_flips(Path(job.flips))
    steps = Steps(job.traps, job.url, Path(job.told))
    steps.install()
    return steps


def _give_content(number: int) -> None:
    """Replace what a publish reads from the lake, and the functions of Spark that need a JVM."""
    frames: Any = {kind: Rows(table) for kind, table in content.tables(number).items()}
    suppressed = content.suppressed_members()
    nothing = Rows(suppressed.slice(0, 0))
    given = Content({}, frames, frames["card"], content.fallbacks(number))
    put_in(
        epochs,
        pin_versions=lambda *_: {},
        describe=lambda *_: {"number": number},
        read_content=lambda *_: given,
        measure=lambda _: counts_of(number),
    )
    put_in(
        building, num_shuffles=lambda _: PARTITIONS, ids_of=lambda _, frame: frame.select(frame.columns[0]).distinct()
    )
    put_in(suppression, F=NoFunctions(), additions=lambda *_: Rows(suppressed), removals=lambda *_: nothing)
    put_in(narrowing, F=NoFunctions(), additions=lambda *_: nothing)


def counts_of(number: int) -> dict[str, int]:
    """What ``measure`` counts."""
    num_users, num_posts = len(content.USERS), len(content.POSTS)
    return {
        "users": num_users,
        "vectors": num_users,
        "cards": num_posts,
        "posts": num_posts,
        "pool_rows": num_users * content.POOL_SIZE,
        "card_bytes": sum(len(content.card(number, post)) for post in content.POSTS),
        "lost": 0,
        "content": number,
    }
