"""A publisher killed while it loads leaves readers on the live epoch; a rerun discards its keys and publishes whole."""

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import redis
from pyspark.sql import SparkSession
from pyspark.sql import functions as F

from contracts.epochs import unpack_pool
from contracts.features import features_of
from contracts.pointer import Pointer
from contracts.redis_keys import POINTER_KEY, card_key, fallback_key, features_key, pool_key
from contracts.settings import Settings
from spark_jobs.night.ddl import read_schema
from spark_jobs.night.feature_columns import default_column
from spark_jobs.night.lake import Lake
from spark_jobs.night.night import Night
from spark_jobs.night.writers import write_partition
from spark_jobs.publish import epochs, ledger
from tests.feed_rows import AS_OF, DS, put
from tests.published_night import write_audit
from tests.serving.reader_world import RedisServer

ROOT = Path(__file__).resolve().parents[2]
NUM_USERS, NUM_POSTS, DEPTH = 30_000, 400, 8
VECTORS = "gold.user_features"
JOB = """
import sys
from datetime import date
from pathlib import Path
from contracts.settings import Settings
from spark_jobs.night.lake import Lake
from spark_jobs.night.night import Night
from spark_jobs.publish import epochs
from spark_jobs.night.session import open_session

lake, runs, url = sys.argv[1:]
epochs.main(Night(Lake(open_session("killed"), lake), date(2026, 3, 8), "", Path(runs), Settings(), url))
"""


@pytest.fixture
def server() -> Iterator[RedisServer]:
    yield from RedisServer.running()


@pytest.fixture
def night(spark: SparkSession, server: RedisServer, tmp_path: Path) -> Night:
    """An audited night whose pools take seconds to load."""
    lake = Lake(spark, str(tmp_path / "lake"))
    posts = [{"post_id": i, "author_id": i % 100, "source_id": i % 100} for i in range(NUM_POSTS)]
    put(lake, "silver.posts", posts)
    put(lake, "gold.post_features", [{"post_id": i, "author_id": i % 100} for i in range(NUM_POSTS)])
    put(lake, "silver.users", [{"user_id": i, "name": f"user {i}"} for i in range(100)])
    users = spark.range(NUM_USERS).select(F.col("id").alias("user_id"))
    known = (default_column(feature).alias(feature.name) for feature in features_of("user"))
    none = (F.lit(None).cast(field.dataType).alias(field.name) for field in read_schema(VECTORS) if field.nullable)
    vectors = users.select("user_id", *known, *none, tonight())
    write_partition(lake, VECTORS, vectors, [DS])
    post = F.pmod(F.col("user_id") * 7 + F.col("rank") * 13, F.lit(NUM_POSTS))
    ranked = users.select("user_id", F.explode(F.sequence(F.lit(1), F.lit(DEPTH))).alias("rank")).select(
        "user_id",
        "rank",
        post.alias("post_id"),
        F.pmod(post, F.lit(100)).alias("author_id"),
        F.pmod(post, F.lit(100)).alias("source_id"),
        F.lit("friend").alias("source_type"),
        F.lit("status").alias("content_type"),
        F.lit("public").alias("privacy"),
        F.lit(AS_OF).alias("created_at"),
        F.lit(1.0).cast("float").alias("value_score"),
        F.lit("friend_posted").alias("reason"),
        F.lit(col=False).alias("is_exploration"),
        F.lit(1.0).alias("propensity"),
        tonight(),
    )
    write_partition(lake, "gold.ranked_feeds", ranked, [DS])
    made = Night(lake, DS, "", tmp_path / "runs", Settings(), server.url)
    write_audit(made)
    return made


def tonight() -> Any:
    return F.lit(DS).alias("ds")


class Reader(threading.Thread):
    """Reads what the pointer names, over and over; ``seen`` are the epochs found whole, ``problems`` the rest."""

    def __init__(self, url: str) -> None:
        super().__init__(daemon=True)
        self.client: Any = redis.Redis.from_url(url)
        self.seen: list[int] = []
        self.problems: list[str] = []
        self.num_reads = 0
        self.stopped = threading.Event()

    def run(self) -> None:
        while not self.stopped.wait(0.02):
            try:
                self.read_once()
            except Exception as error:  # noqa: BLE001 - whatever a reader would have met
                self.problems.append(repr(error))

    def read_once(self) -> None:
        epoch = Pointer.loads(self.client.get(POINTER_KEY)).stable
        users = [(self.num_reads * 997 + i * 1009) % NUM_USERS for i in range(20)]
        pools = [unpack_pool(value) for value in self.client.mget([pool_key(epoch, user) for user in users])]
        shown = {int(post) for pool in pools for post in pool.columns["post_id"]}
        keys = [card_key(epoch, post) for post in shown] + [features_key(epoch, user) for user in users]
        keys += [fallback_key(epoch, kind) for kind in ("popular", "chronological")]
        missing = [key for key, value in zip(keys, self.client.mget(keys), strict=True) if value is None]
        if missing or any(pool.epoch != epoch or pool.count != DEPTH for pool in pools):
            self.problems.append(f"epoch {epoch} is not whole: {missing[:3]}")
        self.num_reads += 1
        if not self.seen or self.seen[-1] != epoch:
            self.seen.append(epoch)


def kill_once(is_time: Callable[[], bool], night: Night) -> int:
    """Start a publisher of its own session and kill its whole group when it is time; returns its exit status."""
    # The child starts its own JVM: nothing of this one's may leak into it.
    environment = {key: value for key, value in os.environ.items() if not key.startswith(("PYSPARK", "SPARK"))}
    environment["PYTHONPATH"] = str(ROOT)
    command = [sys.executable, "-c", JOB, night.lake.root, str(night.runs), night.redis_url]
    job = subprocess.Popen(command, cwd=ROOT, env=environment, start_new_session=True)
    try:
        while job.poll() is None and not is_time():
            time.sleep(0.005)
    finally:
        os.killpg(job.pid, signal.SIGKILL)
    return job.wait()


def num_pools(server: RedisServer, epoch: int) -> int:
    return sum(1 for _ in server.client.scan_iter(match=f"pool:{epoch}:*", count=5000))


@pytest.mark.slow
def test_killed_publisher_job(night: Night, server: RedisServer) -> None:
    epochs.main(night)
    live = server.client.get(POINTER_KEY)
    assert Pointer.loads(live).stable == 1
    reader = Reader(server.url)
    reader.start()

    some_keys = [pool_key(2, user) for user in range(0, NUM_USERS, 20)]
    status = kill_once(lambda: server.client.exists(*some_keys) > 0, night)
    assert status == -signal.SIGKILL, "the publisher ended before it loaded a pool"
    time.sleep(0.5)  # the last commands that Redis had received
    assert server.client.get(POINTER_KEY) == live
    orphans = num_pools(server, 2)
    assert 0 < orphans < NUM_USERS
    assert {row.epoch: row.status for row in ledger.read_rows(night.lake.path(ledger.TABLE))} == {
        1: "current",
        2: "building",
    }
    assert num_pools(server, 1) == NUM_USERS

    epochs.main(night)
    reader.stopped.set()
    reader.join()
    reader.read_once()
    pointer = Pointer.loads(server.client.get(POINTER_KEY))
    assert (pointer.stable, pointer.previous) == (3, 1)
    assert {row.epoch: row.status for row in ledger.read_rows(night.lake.path(ledger.TABLE))} == {
        1: "previous",
        2: "bad",
        3: "current",
    }
    assert num_pools(server, 2) == 0
    assert not list(server.client.scan_iter(match="*:2:*", count=5000))
    assert num_pools(server, 1) == num_pools(server, 3) == NUM_USERS
    assert reader.problems == []
    assert reader.seen == [1, 3]
    assert reader.num_reads > 10
