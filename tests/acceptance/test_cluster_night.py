"""A night on a standalone cluster equals the night of one machine, also where a worker dies while it scores."""

import json
import time
from pathlib import Path

import pytest
from pyspark.sql import SparkSession

from contracts.pipeline import STAGES
from spark_jobs.night.lake import Lake
from spark_jobs.night.night import Night, load_settings
from spark_jobs.simulate import simulate
from tests.cluster import Cluster, spark_cluster
from tests.landed import DS
from tests.nights import redis_server, run_night, submit
from tests.same_night import published_values, tables_of_gold, weights

USERS, DAYS = 200, 4
CORES = (2, 1)
"""Of each worker: together not what ``local[*]`` has here, so that nothing may hang on the number of tasks."""
KILLED = 0
PATIENCE_S = 3600.0

pytestmark = pytest.mark.slow


def test_cluster_night(spark: SparkSession, tmp_path: Path) -> None:
    landing = tmp_path / "landing"
    simulate(spark, users=USERS, days=DAYS, seed=20, end_date=DS, landing=str(landing))
    differing = []
    for name in ("cluster", "local"):
        (tmp_path / name).mkdir()
        with redis_server(tmp_path / name) as url:
            lake = Lake(spark, str(tmp_path / name / "lake"))
            night = Night(lake, DS, str(landing), tmp_path / name / "runs", load_settings(str(landing)), url)
            if name == "cluster":
                with spark_cluster(tmp_path / name, CORES) as cluster:
                    run_on(cluster, night, tmp_path / name)
            else:
                run_night(night)
            differing.append({**tables_of_gold(night), **weights(night), **published_values(night)})
    there, here = differing
    for name in sorted(there.keys() | here.keys()):
        ours, theirs = here.get(name, "none"), there.get(name, "none")
        print(f"{name:28} {ours:>28} {theirs:>28} {'same' if ours == theirs else 'DIFFERS'}")
    assert there == here
    assert int(here["redis pool"].split(":")[0]) >= USERS


def run_on(cluster: Cluster, night: Night, folder: Path) -> None:
    """Every stage on the cluster; a worker is killed once the scored candidates begin to be written."""
    at = list(STAGES).index("score")
    run_stages(cluster, night, list(STAGES)[:at], folder)
    score = submit(night, "score", log=folder / "score.log", conf=cluster.conf)
    files = Path(night.lake.path("gold.scored_candidates"))
    while not any(files.glob("ds=*/*.parquet")):
        assert score.poll() is None, (folder / "score.log").read_text()
        time.sleep(0.002)
    committed = len(list(files.glob("_delta_log/*.json")))
    killed = cluster.kill(KILLED)
    assert score.wait(PATIENCE_S) == 0, (folder / "score.log").read_text()
    assert cluster.alive() == len(CORES) - 1
    lost = lost_tasks(folder / "events")
    print(f"killed {killed} processes of a worker before commit {committed}; {lost} tasks were lost and ran again")
    assert lost > 0
    run_stages(cluster, night, list(STAGES)[at + 1 :], folder)
    assert list((folder / "checkpoints").iterdir()) == []


def run_stages(cluster: Cluster, night: Night, stages: list[str], folder: Path) -> None:
    """One driver for several stages."""
    started = time.monotonic()
    job = submit(night, *stages, log=folder / f"{stages[0]}.log", conf=cluster.conf)
    assert job.wait(PATIENCE_S) == 0, (folder / f"{stages[0]}.log").read_text()
    print(f"{stages[0]} … {stages[-1]} on the cluster: {time.monotonic() - started:.0f} s")


def lost_tasks(events: Path) -> int:
    """Tasks of all drivers that ended because their executor was lost."""
    logs = [path for path in events.rglob("*") if path.is_file()]
    lines = (json.loads(line) for log in logs for line in log.read_text().splitlines() if "ExecutorLostFailure" in line)
    return sum(line["Event"] == "SparkListenerTaskEnd" for line in lines)
