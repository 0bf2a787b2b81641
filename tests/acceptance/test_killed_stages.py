"""A night that is killed with -9 in each of its stages, and run again each time, ends as one that was not.

Compared: every table of silver and gold, the trained weights, and the published values of Redis. Each stage is a
process of its own, as the scheduler starts it; it is killed at a random moment after it has written its first file.
"""

import random
import subprocess
import time
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
from pyspark.sql import SparkSession

from contracts.pipeline import STAGES, TABLES
from spark_jobs.night.lake import Lake, checksum
from spark_jobs.night.night import Night, load_settings
from spark_jobs.simulate import simulate
from tests.landed import DS
from tests.nights import kill, redis_server, run_night, submit
from tests.same_night import checksums

pytestmark = pytest.mark.slow

USERS, DAYS, SEED = 150, 8, 20
TRIES = 4
"""A stage that ends before it is to be killed is started again, and killed earlier."""


@dataclass(frozen=True)
class Strike:
    """How a stage was killed: how long after its first file, how many files it had then written, in which try."""

    seconds: float
    num_files: int
    number: int


def files_below(*folders: Path) -> set[Path]:
    return {path for folder in folders for path in folder.rglob("*") if path.is_file()}


def kill_within(night: Night, stage: str, draw: random.Random, log: Path) -> Strike:
    """Start the stage and kill it at a random moment while it works."""
    folders = Path(night.lake.root), night.folder
    longest = 8.0
    for number in range(1, TRIES + 1):
        known = files_below(*folders)
        process = submit(night, stage, log=log)
        while not (new := files_below(*folders) - known) and process.poll() is None:
            time.sleep(0.01)
        seconds = draw.uniform(0.0, longest)
        try:
            process.wait(seconds)
        except subprocess.TimeoutExpired:
            kill(process)
            new = files_below(*folders) - known
            return Strike(seconds, len(new), number)
        assert process.returncode == 0, log.read_text()[-3000:]
        longest /= 4
    pytest.fail(f"{stage} always ended before it was killed")


def run_killed(night: Night, folder: Path) -> None:
    draw = random.Random(SEED)
    for stage in STAGES:
        strike = kill_within(night, stage, draw, folder / f"{stage}.log")
        # A lake of its own: this process must not know which tables there were before the kill.
        run_night(replace(night, lake=Lake(night.spark, night.lake.root)), (stage,))
        print(
            f"{stage:11} killed {strike.seconds:4.1f} s after its first file, {strike.num_files:3} files written"
            + f", try {strike.number}" * (strike.number > 1),
            flush=True,
        )


def checksums_of_all(night: Night) -> dict[str, str]:
    silver = (table.full_name for table in TABLES if table.layer == "silver")
    return {**{name: checksum(night.read(name)) for name in silver}, **checksums(night)}


def test_killed_stages(spark: SparkSession, tmp_path: Path) -> None:
    landing = str(tmp_path / "landing")
    simulate(spark, users=USERS, days=DAYS, seed=SEED, end_date=DS, landing=landing)
    found = []
    for name in ("whole", "killed"):
        folder = tmp_path / name
        folder.mkdir()
        with redis_server(folder) as url:
            night = Night(Lake(spark, str(folder / "lake")), DS, landing, folder / "runs", load_settings(landing), url)
            if name == "whole":
                run_night(night)
            else:
                run_killed(night, folder)
            found.append(checksums_of_all(night))
    whole, killed = found
    for name in sorted(whole.keys() | killed.keys()):
        was, now = whole.get(name, "none"), killed.get(name, "none")
        print(f"{name:28} {was:>28} {now:>28} {'same' if was == now else 'DIFFERS'}")
    assert killed == whole
