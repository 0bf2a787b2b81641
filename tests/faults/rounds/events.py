"""Events on their way to bronze: a collector with its Redis, the landing area, and the ids that were acknowledged."""

import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack
from datetime import timedelta
from pathlib import Path
from random import Random
from typing import Self

import httpx

from contracts.settings import Settings
from serving.collector.app import utc_now
from serving.collector.events import time_text
from spark_jobs.ingest import events
from spark_jobs.night.lake import Lake
from spark_jobs.night.night import Night
from spark_jobs.night.session import open_session
from tests.faults.rounds.drains import drain_once
from tests.faults.rounds.jobs import Child
from tests.faults.rounds.servers import start_redis
from tests.serving.collector.collector_process import collector
from tests.serving.collector.collector_world import impression, kept_in, ndjson
from tests.serving.drain.drain_process import landed

PER_BATCH = 5
_USERS = 500
_PATIENCE_S = 20.0
_UNAVAILABLE = 503


class Events:
    """All of it, in one folder, for the whole run."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.landing = folder, folder / "landing"
        self.accepted: set[str] = set()
        self.num_refused = 0
        self._number = 0

    def __enter__(self) -> Self:
        (self.folder / "stream").mkdir(parents=True)
        with ExitStack() as stack:
            self.stream = start_redis(*kept_in(self.folder / "stream"))
            stack.callback(self.stream.kill)
            self._collector = stack.enter_context(collector(self.stream.url, self.folder / "collector.log"))
            self._stack = stack.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def send(self, random: Random, batches: int, *, kills_redis: bool) -> Iterator[str]:
        """Send new events, some of them twice, until all are acknowledged; yields what the collector does wrong.

        With ``kills_redis``, the stream's Redis is killed during one of the requests and started again.
        """
        killed_at = random.randrange(batches) if kills_redis else -1
        for at in range(batches):
            user = 1 + self._number % _USERS
            ids = range(self._number, self._number + PER_BATCH)
            self._number += PER_BATCH
            body = ndjson(*(impression(one, user_id=user, event_time=time_text(utc_now())) for one in ids))
            if at == killed_at:
                killer = threading.Timer(random.uniform(0.0, 0.02), self.stream.kill)
                killer.start()
                yield from self._try(body, user)[1]
                killer.join()
                yield from self._try(body, user)[1]  # it is down for certain
                self.stream.start()
            yield from self._until_accepted(body, user)
            self.accepted |= {f"{user}:{one}" for one in ids}
            if random.random() < 0.2:
                yield from self._until_accepted(body, user)

    def _until_accepted(self, body: bytes, user: int) -> Iterator[str]:
        deadline = time.monotonic() + _PATIENCE_S
        while time.monotonic() < deadline:
            is_accepted, broken = self._try(body, user)
            yield from broken
            if is_accepted:
                return
            time.sleep(0.05)
        yield f"the collector accepts nothing for {_PATIENCE_S} s"

    def _try(self, body: bytes, user: int) -> tuple[bool, list[str]]:
        """Whether one request was acknowledged, and what is wrong with the answer."""
        try:
            answer = self._collector.post("/api/v1/events", body, user)
        except httpx.HTTPError as error:
            return False, [f"the collector gives no answer: {type(error).__name__}: {error}"]
        if answer.is_success:
            return True, []
        self.num_refused += 1
        if answer.status_code == _UNAVAILABLE and answer.headers.get("Retry-After"):
            return False, []
        return False, [f"the collector answers {answer.status_code}: {answer.text}"]

    def drain(self, dies: str | None = None, most_bytes: int | None = None) -> int | None:
        """Run a drain to its end; its exit status."""
        log = self.folder / "drain.log" if most_bytes is None else Path("/dev/null")
        return Child(drain_once, self.stream.url, str(self.landing), dies, most_bytes, log=log).wait()

    def problems(self, *, is_whole: bool) -> list[str]:
        """Events that landed twice, or that nobody acknowledged; with ``is_whole`` also those that are lost."""
        found = landed(self.landing)
        twice = sorted(name for name, count in found.items() if count > 1)
        lost = sorted(self.accepted - set(found)) if is_whole else []
        unknown = sorted(set(found) - self.accepted)
        named = {"landed more than once": twice, "are lost": lost, "were never acknowledged": unknown}
        return [f"{len(ids)} events {what}, such as {ids[0]}" for what, ids in named.items() if ids]

    def bronze_problems(self) -> list[str]:
        """What is wrong with bronze after a night has ingested the landing area; this starts Spark."""
        spark = open_session("rounds of faults")
        ds = utc_now().date() + timedelta(days=1)
        night = Night(Lake(spark, str(self.folder / "lake")), ds, str(self.landing), self.folder / "runs", Settings())
        events.main(night)
        ids = [row.event_id for row in night.read("bronze.events").select("event_id").collect()]
        num_quarantined = night.read("bronze.quarantine").count()
        spark.stop()
        named = {
            "are in bronze more than once": len(ids) - len(set(ids)),
            "are not in bronze": len(self.accepted - set(ids)),
            "are in bronze and were never acknowledged": len(set(ids) - self.accepted),
            "are in quarantine": num_quarantined,
        }
        return [f"{count} events {what}" for what, count in named.items() if count]
