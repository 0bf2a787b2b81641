"""``make bench K=nightly``: one night at 2,000 and at 20,000 users; users/s per stage, peak memory, cost per user.

Each stage runs as its own spark-submit, as the scheduler runs it, with the memory of its whole process tree (driver,
JVM, Python workers, training) sampled four times a second. ``value`` is users per second of the whole night at the
larger size, ``ratio`` the cost per user at the larger size over that at the smaller one: at most 1 when cost per user
does not grow. Start-up is part of every figure; ``work_ratio`` leaves it out.
"""

import argparse
import json
import os
import shutil
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import psutil

from contracts.pipeline import RUNNER, STAGES
from contracts.run_files import RunFiles
from infra.services import ROOT
from tests.nights import redis_server

DS = "2026-03-08"
MB = 2**20


@dataclass(frozen=True)
class Cost:
    """What one process tree took: wall seconds, seconds of them spent starting the JVM and session, peak MB."""

    seconds: float
    startup_seconds: float
    peak_mb: float


def measure(command: list[str], log: Path) -> tuple[float, float]:
    """Run a command; returns wall seconds and the peak resident MB of its process tree."""
    env = os.environ | {"PYTHONPATH": str(ROOT), "PYSPARK_PYTHON": sys.executable}
    started, peak = time.monotonic(), 0
    with log.open("ab") as output:
        process = psutil.Popen(command, cwd=ROOT, env=env, stdout=output, stderr=output)
        while process.poll() is None:
            peak = max(peak, resident(process))
            time.sleep(0.25)
    if process.returncode != 0:
        raise SystemExit(f"{' '.join(command[:6])} … failed:\n{log.read_text(errors='replace')[-3000:]}")
    return time.monotonic() - started, peak / MB


def resident(process: psutil.Process) -> int:
    """Resident bytes of a process and its descendants, shared pages counted once per process."""
    total = 0
    for one in (process, *process.children(recursive=True)):
        try:
            total += one.memory_info().rss
        except psutil.NoSuchProcess:
            continue
    return total


def run_night(users: int, folder: Path, redis_url: str) -> dict[str, Cost]:
    """Simulate and run one night; returns the cost of each stage."""
    landing, runs, log = folder / "landing", folder / "runs", folder / "log"
    words = ["--users", str(users), "--days", "8", "--end-date", DS, "--landing", str(landing)]
    seconds, peak = measure([sys.executable, "-m", "spark_jobs.simulate", *words], log)
    costs = {"simulate": Cost(seconds, 0.0, peak)}
    submit = [str(Path(sys.executable).parent / "spark-submit"), "--properties-file", str(ROOT / ".jars/spark.conf")]
    for stage in STAGES:
        arguments = ["--ds", DS, "--lake", str(folder / "lake"), "--landing", str(landing), "--runs", str(runs)]
        job = [str(ROOT / RUNNER), stage, *arguments, "--redis", redis_url, "--strict"]
        seconds, peak = measure([*submit, *job], log)
        record = RunFiles.of(runs, DS).stage(stage).read()
        costs[stage] = Cost(seconds, record["startup_seconds"], peak)
        print(
            f"{users:7,} users  {stage:10} {seconds:7.1f} s  {users / seconds:8.0f} users/s  {peak:6.0f} MB", flush=True
        )
    return costs


def size_mb(folder: Path) -> float:
    """Size of a folder's files."""
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file()) / MB


def main() -> None:
    """Run both sizes and print the comparison, one JSON line last."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sizes", type=int, nargs=2, default=(2_000, 20_000), help="numbers of users")
    sizes = parser.parse_args().sizes
    costs: dict[int, dict[str, Cost]] = {}
    inputs: dict[int, float] = {}
    for users in sizes:
        folder = Path(tempfile.mkdtemp(prefix="feedlake-bench-"))
        try:
            with redis_server(folder) as url:
                costs[users] = run_night(users, folder, url)
            inputs[users] = size_mb(folder / "landing")
        finally:
            shutil.rmtree(folder)
    small, large = sizes
    print(f"\n{'stage':12}{'users/s':>20}{'cost per user':>16}{'peak MB':>18}")
    for stage, cost in costs[large].items():
        other = costs[small][stage]
        rates = f"{small / other.seconds:.0f} → {large / cost.seconds:.0f}"
        ratio = (cost.seconds / large) / (other.seconds / small)
        print(f"{stage:12}{rates:>20}{ratio:>15.2f}x{other.peak_mb:>9.0f} → {cost.peak_mb:.0f}")
    total = {n: sum(costs[n][stage].seconds for stage in STAGES) for n in sizes}
    work = {n: total[n] - sum(costs[n][stage].startup_seconds for stage in STAGES) for n in sizes}
    peak = {n: max(cost.peak_mb for cost in costs[n].values()) for n in sizes}
    result = {
        "metric": "nightly_users_per_s",
        "value": round(large / total[large], 1),
        "ratio": round((total[large] / large) / (total[small] / small), 3),
        "work_ratio": round((work[large] / large) / (work[small] / small), 3),
        "peak_mb": {str(n): round(peak[n]) for n in sizes},
        "memory_growth": round(peak[large] / peak[small], 2),
        "input_growth": round(inputs[large] / inputs[small], 2),
        "users_per_s": {stage: round(large / cost.seconds, 1) for stage, cost in costs[large].items()},
    }
    print(json.dumps(result))


if __name__ == "__main__":
    main()
