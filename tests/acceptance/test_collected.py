"""Events return to the lake: everything that the collector acknowledged is in bronze exactly once."""

import json
import signal
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from pyspark.sql import SparkSession
from pyspark.sql import functions as F

from contracts.collector_keys import STREAM
from contracts.settings import Settings
from serving.collector.app import utc_now
from serving.collector.events import time_text
from spark_jobs.ingest import events
from spark_jobs.night.lake import Lake, checksum
from spark_jobs.night.night import Night
from tests.serving.collector.collector_process import batch_request, collector
from tests.serving.collector.collector_world import impression, kept_in, ndjson
from tests.serving.drain.drain_process import landed, start_drain
from tests.serving.load import offer_load
from tests.serving.reader_world import RedisServer

USERS, RATE, SECONDS, PER_BATCH = 50, 40, 5.0, 5
STEPS_KILLED = ("before the second file", "before the trim")


@pytest.fixture
def stream(tmp_path: Path) -> Iterator[RedisServer]:
    yield from RedisServer.running(*kept_in(tmp_path))


def batches(first_user: int) -> list[bytes]:
    """Requests of all users in turns, each a batch of its own."""
    now = time_text(utc_now())
    requests = []
    for number in range(int(RATE * SECONDS)):
        user = first_user + number % USERS
        ids = range(number * PER_BATCH, (number + 1) * PER_BATCH)
        body = ndjson(*(impression(one, user_id=user, event_time=now) for one in ids))
        requests.append(batch_request(body, user))
    return requests


@pytest.mark.slow
def test_collected_events_are_in_bronze_exactly_once(stream: RedisServer, spark: SparkSession, tmp_path: Path) -> None:
    landing = tmp_path / "landing"
    with collector(stream.url, tmp_path / "log") as running:
        for _ in range(2):  # the second is a retry
            assert running.post("/api/v1/posts/5/like").json()["event_id"] == "17:like:5:k"
            assert running.post("/api/v1/posts/5/comments", {"text": "well said"}).status_code == 200
            made = running.post("/api/v1/posts", {"text": "hello #lake", "privacy": "friends"})
            assert made.status_code == 201
        refused = running.post("/api/v1/events", ndjson(impression(1), impression(2, user_id=18)))
        assert refused.status_code == 400
        stream.client.xadd(STREAM, {"junk": b"\xff"})
        load = offer_load(running.url, batches(first_user=100), RATE, SECONDS)
    acknowledged = load.statuses.get(200, 0)
    assert load.statuses == {200: acknowledged}
    expected = acknowledged * PER_BATCH + 3

    for dies in STEPS_KILLED:
        words = ("--set", "drain.file_events=400")
        assert start_drain(stream.url, landing, *words, dies=dies).wait() == -signal.SIGKILL
    assert start_drain(stream.url, landing).wait() == 0
    found = landed(landing)
    assert (found["17:like:5:k"], set(found.values()), found.total()) == (1, {1}, expected)
    (aside,) = (landing / "_collected_aside").iterdir()
    assert [json.loads(line)["reason"] for line in aside.read_text().splitlines()] == ["not_an_entry"]

    ds = utc_now().date() + timedelta(days=1)
    night = Night(Lake(spark, str(tmp_path / "lake")), ds, str(landing), tmp_path / "runs", Settings())
    sums = []
    for _ in range(2):
        events.main(night)
        bronze = night.read("bronze.events")
        sums.append(checksum(bronze))
    likes = bronze.where(F.col("event_id") == "17:like:5:k").count()
    assert (likes, bronze.count(), bronze.select("event_id").distinct().count()) == (1, expected, expected)
    assert night.read("bronze.quarantine").count() == 0
    assert sums[0] == sums[1]
    print(
        f"collected: {expected:,} events acknowledged (a like, a comment and a post sent twice), 1 entry aside; "
        f"drain killed {len(STEPS_KILLED)} times; landing and bronze have each once, the like {likes} time; "
        f"acknowledged in p50 {load.percentile(50)} ms, p99 {load.percentile(99)} ms "
        f"({RATE} batches/s of {PER_BATCH} events for {SECONDS:g} s)"
    )
