"""``make bench K=features``: the features stage at 10,000 and at 100,000 users; users/s, peak memory, slope.

Both sizes are built in one run, each over silver tables that the simulator, ingest and clean made before, outside the
timed part. Their logs are one day long, as much as a night adds. The stage runs as the scheduler runs it, by its own
spark-submit, gates included, and builds that day's snapshot (the days before it have no rows); memory is that of its
whole process tree, sampled four times a second. ``value`` is users per second of the larger size and ``ratio`` its cost
per user over that of the smaller one; ``slope`` is the exponent with which the stage's seconds without start-up grow
with the users (target ≤ 1.05). ``--sizes`` sets other numbers of users, ``--days`` longer logs.
"""

import argparse
import json
import math
import shutil
import sys
import tempfile
from collections.abc import Sequence
from datetime import date
from pathlib import Path

from benchmarks.night_costs import Cost, measure
from contracts.pipeline import RUNNER
from contracts.run_files import RunFiles
from infra.services import ROOT

END = date(2026, 3, 8)
TARGETS = {"slope": 1.05}
TABLES = ("gold.affinity_features", "gold.user_features", "gold.post_features")


def simulate(users: int, days: int, folder: Path, options: Sequence[str] = ()) -> tuple[float, float]:
    """Simulate ``days`` days by a spark-submit with ``options``; returns wall seconds and peak MB."""
    words = ["--users", str(users), "--days", str(days), "--end-date", END.isoformat()]
    job = [str(ROOT / "spark_jobs/simulate/__main__.py"), *words, "--landing", str(folder / "landing")]
    return _submit(job, folder, options)


def run_stage(stage: str, folder: Path, options: Sequence[str] = ()) -> tuple[Cost, dict[str, int]]:
    """Run a stage by a spark-submit with ``options``; returns its cost and the rows of each of its tables."""
    paths = ["--lake", str(folder / "lake"), "--landing", str(folder / "landing"), "--runs", str(folder / "runs")]
    job = [str(ROOT / RUNNER), stage, "--ds", END.isoformat(), *paths, "--strict"]
    seconds, peak = _submit(job, folder, options)
    record = RunFiles.of(folder / "runs", END).stage(stage).read()
    rows = {name: int(table["rows"]) for name, table in record["tables"].items()}
    return Cost(seconds, record["startup_seconds"], peak), rows


def _submit(job: list[str], folder: Path, options: Sequence[str]) -> tuple[float, float]:
    binary = [str(Path(sys.executable).parent / "spark-submit"), "--properties-file", str(ROOT / ".jars/spark.conf")]
    return measure([*binary, *options, *job], folder / "log")


def run_size(users: int, days: int, folder: Path) -> tuple[Cost, dict[str, int]]:
    """Prepare ``days`` days and run the features stage, print each step; returns cost and rows of tables."""
    seconds, peak = simulate(users, days, folder)
    print(f"{users:9,} users  {'simulate':9} {seconds:7.1f} s  {peak:6.0f} MB", flush=True)
    for stage in ("ingest", "clean", "features"):
        cost, rows = run_stage(stage, folder)
        print(
            f"{users:9,} users  {stage:9} {cost.seconds:7.1f} s  {cost.peak_mb:6.0f} MB"
            f"  ({cost.startup_seconds:.1f} s of start-up)",
            flush=True,
        )
    return cost, rows


def main() -> None:
    """Run both sizes and print the comparison, one JSON line last."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sizes", type=int, nargs=2, default=(10_000, 100_000), help="numbers of users")
    parser.add_argument("--days", type=int, default=1, help="days of logs (default: %(default)s)")
    options = parser.parse_args()
    costs: dict[int, Cost] = {}
    for users in options.sizes:
        folder = Path(tempfile.mkdtemp(prefix="feedlake-bench-"))
        try:
            costs[users], rows = run_size(users, options.days, folder)
        finally:
            shutil.rmtree(folder)
        print(f"{'':9}  {', '.join(f'{rows[name]:,} in {name}' for name in TABLES)}", flush=True)
    small, large = options.sizes
    work = {users: cost.seconds - cost.startup_seconds for users, cost in costs.items()}
    result = {
        "metric": "features_users_per_s",
        "value": round(large / costs[large].seconds, 1),
        "ratio": round((costs[large].seconds / large) / (costs[small].seconds / small), 3),
        "slope": round(math.log(work[large] / work[small]) / math.log(large / small), 3),
        "seconds": {str(users): round(cost.seconds, 1) for users, cost in costs.items()},
        "peak_mb": {str(users): round(cost.peak_mb) for users, cost in costs.items()},
        "targets": TARGETS,
    }
    print(json.dumps(result))


if __name__ == "__main__":
    main()
