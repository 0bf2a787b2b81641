"""Rolling back while readers poll: one step, no error, and the bad epoch never comes back."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import redis
from pyspark.sql import SparkSession

from contracts.pointer import Canary
from spark_jobs.night.lake import Lake
from spark_jobs.night.night import Night
from spark_jobs.publish import epochs, ledger
from spark_jobs.publish.epoch_store import PublishFailed
from tests.epoch_table import statuses
from tests.feed_rows import put
from tests.nights import ROOT, Poller, kill, pointer, reader, redis_server
from tests.published_night import ANN, BOB, CAT, prepare, ranked_rows, write_audit

WHY = "everybody's best posts come last"
CANARY_SHARE = 1e-6  # nobody who is polled


def rank(night: Night, rows: Sequence[dict[str, Any]]) -> None:
    """A night that was ranked and audited anew."""
    put(night.lake, "gold.ranked_feeds", rows)
    write_audit(night)


def upside_down(rows: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    return [{**row, "rank": 100 - row["rank"], "value_score": -row["value_score"]} for row in rows]


def rollback(night: Night, by: str) -> subprocess.Popen[str]:
    """What ``make rollback`` runs."""
    command = [sys.executable, "-m", "spark_jobs.publish.rollback", "--lake", night.lake.root]
    command += ["--redis", night.redis_url, "--why", WHY, "--by", by]
    return subprocess.Popen(
        command, cwd=ROOT, env={**os.environ, "PYTHONPATH": str(ROOT)}, stdout=subprocess.PIPE, text=True,
        stderr=subprocess.STDOUT, start_new_session=True,
    )  # fmt: skip


def kill_before_the_flip(night: Night, table: str) -> None:
    client = redis.Redis.from_url(night.redis_url)
    client.client_pause(60_000, all=False)  # writes wait: the rollback marks, and stops at its flip
    process = rollback(night, "ann")
    while statuses(table)[2] != "rolled_back":
        assert process.poll() is None, process.communicate()[0]
        time.sleep(0.01)
    kill(process)  # type: ignore[arg-type]
    client.client_unpause()


def publish_a_canary(night: Night) -> None:
    rank(night, [{**row, "value_score": row["value_score"] / 4} for row in ranked_rows()])
    publish = replace(night.settings.publish, canary_share=CANARY_SHARE)
    epochs.main(replace(night, settings=replace(night.settings, publish=publish)))
    print(*night.files.notes(ledger.TABLE).read(), sep="\n")


def wait_for_readers(pollers: Sequence[Poller], epoch: int) -> None:
    """Until each poller's newest answers are of the epoch; pointers are re-read about once a second."""
    deadline = time.monotonic() + 60
    for poller in pollers:
        while poller.reader.feed(poller.user_id).json()["metadata"]["epoch"] != epoch:
            assert time.monotonic() < deadline
            time.sleep(0.1)


@pytest.mark.slow
def test_rollback(spark: SparkSession, tmp_path: Path) -> None:
    (tmp_path / "redis").mkdir()
    with ExitStack() as stack:
        url = stack.enter_context(redis_server(tmp_path / "redis"))
        night = prepare(Lake(spark, str(tmp_path / "lake")), tmp_path / "runs", url)
        table = night.lake.path(ledger.TABLE)
        epochs.main(night)
        readers = [stack.enter_context(reader(url, tmp_path / f"reader{n}.log")) for n in range(2)]
        pollers = [stack.enter_context(Poller(to, user)) for to in readers for user in (ANN, BOB, CAT)]
        wait_for_readers(pollers, 1)

        rank(night, upside_down(ranked_rows()))
        epochs.main(night)
        wait_for_readers(pollers, 2)

        kill_before_the_flip(night, table)
        print(f"killed between mark and flip: epoch {pointer(url).stable} still served, {statuses(table)}")
        assert pointer(url).stable == 2

        started = time.monotonic()
        done = rollback(night, "bob")
        output = done.communicate()[0].strip()
        print(f"again, {time.monotonic() - started:.1f} s: {output}")
        assert done.returncode == 0, output
        assert (pointer(url).stable, pointer(url).previous) == (1, None)
        wait_for_readers(pollers, 1)
        assert "rolled back by ann" in output, "who was killed had decided it"

        twice = rollback(night, "bob")
        refusal = twice.communicate()[0].strip()
        print(f"once more: {refusal}")
        assert twice.returncode == 1
        assert pointer(url).stable == 1

        with pytest.raises(PublishFailed, match=r"has the content of epoch 2, which was rolled back by ann") as refused:
            epochs.main(night)
        print(f"publish run again: {refused.value}")
        assert pointer(url).stable == 1
        assert max(statuses(table)) == 2

        rank(night, [{**row, "value_score": row["value_score"] / 2} for row in ranked_rows()])
        epochs.main(night)
        wait_for_readers(pollers, 3)
        assert (pointer(url).stable, pointer(url).previous) == (3, 1)

        publish_a_canary(night)
        assert pointer(url).canary == Canary(4, CANARY_SHARE)
        assert (pointer(url).stable, pointer(url).previous) == (3, 1)

    (row,) = [row for row in ledger.read_rows(table) if row.epoch == 2]
    facts = json.loads(row.rollback or "{}")
    print(f"{statuses(table)}; epoch 2: {facts}")
    assert statuses(table) == {1: "previous", 2: "rolled_back", 3: "current", 4: "canary"}
    assert (facts["by"], facts["why"], facts["to"]) == ("ann", WHY, 1)
    num_reads = sum(poller.num_reads for poller in pollers)
    print(f"{num_reads} reads by {len(pollers)} pollers, {sum(len(poller.errors) for poller in pollers)} errors")
    for poller in pollers:
        assert poller.errors == []
        assert set(poller.answers) == {1, 2, 3}
        assert all(len(contents) == 1 for contents in poller.answers.values()), "an epoch is seen whole"
