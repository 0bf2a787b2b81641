"""A million users and one day of their logs: simulated, ingested, cleaned, and all features built, on one machine.

Each step is a spark-submit of its own, as the scheduler runs it, gates included, with the heap below. Memory is that of
the step's whole process tree; disk is everything that a step keeps or needs meanwhile: landing files, lake, shuffles
and caches. ``FEEDLAKE_MILLION_USERS`` takes another number of users.
"""

import json
import os
import shutil
import threading
from pathlib import Path
from typing import Self

import numpy as np
import pytest
from deltalake import DeltaTable

from benchmarks.features import run_stage, simulate
from benchmarks.night_costs import size_mb
from spark_jobs.ingest.quarantine import WRITER

pytestmark = pytest.mark.slow
USERS = int(os.environ.get("FEEDLAKE_MILLION_USERS", "1000000"))
HEAP = "8g"
MOST_MB = 24_000
POPULAR, VERY_POPULAR = 1_000, 5_000
"""Friends from which posts are pulled, not pushed; a network of a million has both kinds of authors."""


class Disk:
    """Greatest size of a folder while the block runs, looked at every few seconds."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.peak_mb = folder, 0.0
        self._is_over = threading.Event()
        self._watch = threading.Thread(target=self._look)

    def __enter__(self) -> Self:
        self._watch.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._is_over.set()
        self._watch.join()

    def _look(self) -> None:
        while not self._is_over.wait(3):
            try:
                self.peak_mb = max(self.peak_mb, size_mb(self.folder))
            except FileNotFoundError:
                continue  # a scratch file went while it was looked at


def test_million_users(tmp_path: Path) -> None:
    options = ["--driver-memory", HEAP, "--conf", f"spark.local.dir={tmp_path / 'scratch'}"]
    seconds: dict[str, float] = {}
    peaks: dict[str, float] = {}
    rows: dict[str, int] = {}
    try:
        for step in ("simulate", "ingest", "clean", "features"):
            with Disk(tmp_path) as disk:
                if step == "simulate":
                    seconds[step], peaks[step] = simulate(USERS, 1, tmp_path, options)
                else:
                    cost, counted = run_stage(step, tmp_path, options)
                    seconds[step], peaks[step] = cost.seconds, cost.peak_mb
                    rows |= counted
            print(
                f"{USERS:,} users  {step:9} {seconds[step]:7.0f} s  {peaks[step]:6.0f} MB of memory  "
                f"disk {disk.peak_mb:7.0f} MB at most, {size_mb(tmp_path):7.0f} MB kept",
                flush=True,
            )
        sent = json.loads((tmp_path / "landing/_truth/dirt.json").read_text())
        friends = num_friends(tmp_path / "lake/silver/friendships")
        refused = refused_by_ingest(tmp_path / "lake/bronze/quarantine")
    finally:
        shutil.rmtree(tmp_path)
    print(
        f"{sum(seconds.values()):.0f} s, {max(peaks.values()):.0f} MB at most; "
        + ", ".join(
            f"{rows[name]:,} in {name}" for name in ("bronze.events", "gold.affinity_features", "gold.post_features")
        )
    )
    num_popular, num_very_popular = ((friends > most).sum() for most in (POPULAR, VERY_POPULAR))
    print(
        f"friends: {friends.mean():.1f} on average, {friends.max():,} at most; {num_popular:,} users have more than "
        f"{POPULAR:,}, {num_very_popular:,} more than {VERY_POPULAR:,}"
    )
    assert max(peaks.values()) < MOST_MB
    assert rows["silver.users"] == rows["gold.user_features"] == USERS
    # An event that names somebody unknown is an event: clean refuses it.
    assert rows["bronze.events"] == sent["clean"] + sent["unknown_user"] + sent["unknown_post"]
    assert refused == sum(sent[kind] for kind in ("duplicate", "malformed", "unknown_type", "future"))
    if USERS >= 1_000_000:
        assert num_popular > num_very_popular > 0


def num_friends(path: Path) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
    """How many friends each user has who has any."""
    edges = DeltaTable(str(path)).to_pyarrow_table(columns=["user_id", "valid_to"])
    active = edges.filter(edges.column("valid_to").is_null())
    return np.unique(active.column("user_id").to_numpy(), return_counts=True)[1]


def refused_by_ingest(path: Path) -> int:
    """Lines that the ingest stage refused."""
    writers: list[str] = DeltaTable(str(path)).to_pyarrow_table(columns=["writer"]).column("writer").to_pylist()
    return writers.count(WRITER)
