"""Publishes to a Redis without a pointer: it loses its data once more, or another publish begins. Then none flips."""

import json
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from contracts.pointer import Pointer
from contracts.redis_keys import CLAIM_KEY, POINTER_KEY
from tests.epoch_table import epoch_table, statuses
from tests.faults.rounds.jobs import DONE, DS, REFUSED, Child, Job, publish
from tests.faults.rounds.steps import Trap
from tests.serving.reader_world import RedisServer

_WAIT_S = 3.0


@pytest.fixture(scope="module")
def redis_server() -> Iterator[RedisServer]:
    yield from RedisServer.running()


class Publishes:
    """Publishes of one lake to one Redis, as processes."""

    def __init__(self, folder: Path, server: RedisServer) -> None:
        self.folder, self.server, self._num = folder, server, 0
        self.table = epoch_table(folder / "lake")
        night = folder / "runs" / DS.isoformat()
        night.mkdir(parents=True)
        audit = {"ds": DS.isoformat(), "passed": True, "ranked_version": 0, "ads_version": 0, "checks": []}
        (night / "audit.json").write_text(json.dumps(audit))

    def start(self, *traps: Trap) -> Child:
        self._num += 1
        told, flips = (str(self.folder / f"{name}-{self._num}") for name in ("told", "flips"))
        lake, runs = (str(self.folder / name) for name in ("lake", "runs"))
        job = Job(self.server.url, lake, runs, told, flips, self._num, 1_770_000_000, traps)
        return Child(publish, job, log=self.folder / "log")

    def wait_for(self, step: str) -> Trap:
        """A trap that makes a publish to an empty Redis wait before the step."""
        for _ in range(2):  # the second has the steps of every other that finds an emptied Redis
            if self.start().wait() != DONE:
                raise RuntimeError(self.log)
            self.server.client.flushall()
        steps: list[str] = json.loads((self.folder / f"told-{self._num}").read_text())["steps"]
        return Trap(steps.index(step), act="wait", wait_s=_WAIT_S)

    def pause(self, key: str) -> None:
        """Return when a running publish waits, after it has written the key."""
        for _ in range(200):
            if self.server.client.exists(key):
                time.sleep(0.3)
                return
            time.sleep(0.05)
        raise RuntimeError(f"no publish writes {key}: {self.log}")

    @property
    def log(self) -> str:
        return (self.folder / "log").read_text()


@pytest.fixture
def publishes(redis_server: RedisServer, tmp_path: Path) -> Publishes:
    redis_server.client.flushall()
    return Publishes(tmp_path, redis_server)


@pytest.mark.parametrize("step", ["SADD block 1", "SET pool 1", "flip 1"])
def test_a_redis_that_is_emptied_while_its_first_publish_is_at_work_gets_no_pointer(
    publishes: Publishes, step: str
) -> None:
    client = publishes.server.client
    running = publishes.start(publishes.wait_for(step))
    publishes.pause(CLAIM_KEY)
    client.flushall()
    assert running.wait() == REFUSED
    assert client.get(POINTER_KEY) is None
    assert publishes.start().wait() == DONE
    assert not client.exists(CLAIM_KEY)


def test_of_two_first_publishes_the_one_that_began_last_flips(publishes: Publishes) -> None:
    """The other one's keys are removed when it begins, so the other must not flip, even if it comes first."""
    client = publishes.server.client
    at_flip, at_load = publishes.wait_for("flip 1"), publishes.wait_for("SET pool 1")
    first = publishes.start(at_flip)
    publishes.pause(CLAIM_KEY)
    last = publishes.start(replace(at_load, wait_s=2 * _WAIT_S))
    assert first.wait() == REFUSED
    assert client.get(POINTER_KEY) is None
    assert last.wait() == DONE
    assert statuses(publishes.table)[Pointer.loads(client.get(POINTER_KEY)).stable] == "current"
