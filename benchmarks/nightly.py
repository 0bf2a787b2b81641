"""``make bench K=nightly``: nights at 2,000 and at 20,000 users; users/s per stage, peak memory, cost per user.

At each size a first night of 8 days runs and a **steady** night, which is one more day on the lake of the first. Each
stage is its own spark-submit, as the scheduler runs it, with the memory of its whole process tree (``night_costs``).
``value`` is users per second of the whole first night at the larger size, ``ratio`` the cost per user at the larger
size over that at the smaller one: at most 1 when cost per user does not grow. Start-up is part of every figure;
``work_ratio`` leaves it out. ``steady`` holds the same figures of the steady night.
"""

import argparse
import json
import shutil
import tempfile
from pathlib import Path
from typing import Any

from benchmarks.night_costs import Checkout, Cost, move_days_after, run_night, simulate, size_mb
from infra.services import ROOT

NIGHTS = {"first": "2026-03-08", "steady": "2026-03-09"}
DAYS = 8

Costs = dict[str, dict[int, dict[str, Cost]]]
"""By night, number of users, and stage."""


def run_size(users: int, costs: Costs) -> float:
    """Simulate a network, run its two nights, add their costs; returns MB of the first night's landing files."""
    folder = Path(tempfile.mkdtemp(prefix="feedlake-bench-"))
    checkout = Checkout.at(ROOT)
    try:
        simulated = simulate(checkout, users, DAYS + 1, NIGHTS["steady"], folder / "landing")
        print(f"{users:7,} users  simulate   {simulated.seconds:7.1f} s  {simulated.peak_mb:6.0f} MB", flush=True)
        move_days_after(NIGHTS["first"], folder / "landing", folder / "next")
        landed = size_mb(folder / "landing")
        for name, ds in NIGHTS.items():
            if name == "steady":
                for day in (folder / "next").iterdir():
                    shutil.move(day, folder / "landing" / day.name)
            costs[name][users] = run_night(checkout, ds, folder, f"{users:7,} users  {name:6}")
    finally:
        shutil.rmtree(folder)
    return landed


def print_table(name: str, small: int, large: int, costs: dict[int, dict[str, Cost]]) -> None:
    """One row per stage."""
    print(f"\n{name + ' night':14}{'users/s':>20}{'cost per user':>16}{'peak MB':>18}")
    for stage, cost in costs[large].items():
        other = costs[small][stage]
        rates = f"{small / other.seconds:.0f} → {large / cost.seconds:.0f}"
        ratio = (cost.seconds / large) / (other.seconds / small)
        print(f"{stage:14}{rates:>20}{ratio:>15.2f}x{other.peak_mb:>9.0f} → {cost.peak_mb:.0f}")


def summary(small: int, large: int, costs: dict[int, dict[str, Cost]]) -> dict[str, Any]:
    """Figures of one kind of night at both sizes."""
    total = {n: sum(cost.seconds for cost in costs[n].values()) for n in (small, large)}
    work = {n: total[n] - sum(cost.startup_seconds for cost in costs[n].values()) for n in total}
    peak = {n: max(cost.peak_mb for cost in costs[n].values()) for n in total}
    return {
        "value": round(large / total[large], 1),
        "ratio": round((total[large] / large) / (total[small] / small), 3),
        "work_ratio": round((work[large] / large) / (work[small] / small), 3),
        "peak_mb": {str(n): round(peak[n]) for n in total},
        "memory_growth": round(peak[large] / peak[small], 2),
        "users_per_s": {stage: round(large / cost.seconds, 1) for stage, cost in costs[large].items()},
    }


def main() -> None:
    """Run both sizes and print the comparison, one JSON line last."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sizes", type=int, nargs=2, default=(2_000, 20_000), help="numbers of users")
    small, large = parser.parse_args().sizes
    costs: Costs = {name: {} for name in NIGHTS}
    landed = {users: run_size(users, costs) for users in (small, large)}
    for name, nights in costs.items():
        print_table(name, small, large, nights)
    result = {
        "metric": "nightly_users_per_s",
        **summary(small, large, costs["first"]),
        "input_growth": round(landed[large] / landed[small], 2),
        "steady": summary(small, large, costs["steady"]),
    }
    print(json.dumps(result))


if __name__ == "__main__":
    main()
