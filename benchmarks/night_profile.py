"""``make bench K=night_profile``: where the seconds of a first and of a steady night go, stage by stage, as a table.

``USERS`` and ``DAYS`` set the size of the network (2,000 and 8). Every stage logs Spark's events, and ``event_log``
finds the kind of each moment. Start-up is the time before Spark's application begins and after it ends. Gate seconds
are from the stage's record; gates run while the next table is built, so other columns include them.
"""

import json
import os
import shutil
import tempfile
from pathlib import Path

from benchmarks.event_log import KINDS, Profile, profile, read_events
from benchmarks.night_costs import Checkout, Cost, move_days_after, run_night, simulate
from contracts.run_files import RunFiles
from infra.services import ROOT

NIGHTS = {"first": "2026-03-08", "steady": "2026-03-09"}
COLUMNS = ("stage", "wall s", "start-up", *KINDS, "gates (beside)", "Python start (tasks)", "jobs", "tasks")


def profiles(events: Path) -> dict[str, Profile]:
    """Profile of each application of a folder of logs, by its name."""
    logs = (profile(read_events(path)) for path in sorted(events.iterdir()))
    return {one.name: one for one in logs}


def gate_seconds(runs: Path, ds: str, stage: str) -> float:
    """Seconds of all gates of a stage."""
    tables = RunFiles.of(runs, ds).stage(stage).read()["tables"].values()
    return float(sum(table["gate_seconds"] for table in tables))


def rows_of(
    costs: dict[str, Cost], profiles_by_name: dict[str, Profile], runs: Path, ds: str
) -> list[dict[str, float]]:
    """A row of numbers per stage, and the whole night last, in the order of ``COLUMNS``."""
    rows = []
    for stage, cost in costs.items():
        profiled = profiles_by_name[f"{stage} {ds}"]
        numbers = {
            "wall s": cost.seconds,
            "start-up": cost.seconds - sum(profiled.seconds.values()),
            **profiled.seconds,
        }
        numbers |= {"gates (beside)": gate_seconds(runs, ds, stage), "Python start (tasks)": profiled.python_start_s}
        rows.append(numbers | {"jobs": profiled.num_jobs, "tasks": profiled.num_tasks})
    return [*rows, {name: sum(row[name] for row in rows) for name in COLUMNS[1:]}]


def markdown(stages: list[str], rows: list[dict[str, float]]) -> str:
    """The rows as a table for ``RESULTS.md``."""
    lines = ["| " + " | ".join(COLUMNS) + " |", "|---" * len(COLUMNS) + "|"]
    for stage, row in zip([*stages, "whole"], rows, strict=True):
        cells = [f"{row[name]:.0f}" if name in ("jobs", "tasks") else f"{row[name]:.1f}" for name in COLUMNS[1:]]
        lines.append("| " + " | ".join([stage, *cells]) + " |")
    return "\n".join(lines)


def main() -> None:
    """Run both nights and print their tables, one JSON line last."""
    users, days = (int(os.environ.get(name) or default) for name, default in (("USERS", 2000), ("DAYS", 8)))
    checkout = Checkout.at(ROOT)
    folder = Path(tempfile.mkdtemp(prefix="feedlake-bench-"))
    result: dict[str, object] = {"metric": "night_profile", "users": users, "days": days}
    try:
        simulate(checkout, users, days + 1, NIGHTS["steady"], folder / "landing")
        move_days_after(NIGHTS["first"], folder / "landing", folder / "next")
        for name, ds in NIGHTS.items():
            if name == "steady":
                for day in (folder / "next").iterdir():
                    shutil.move(day, folder / "landing" / day.name)
            events = folder / f"events-{name}"
            events.mkdir()
            costs = run_night(checkout, ds, folder, f"{name:6}", events)
            rows = rows_of(costs, profiles(events), folder / "runs", ds)
            print(f"\n{name} night of {users:,} users, {days} days\n\n{markdown(list(costs), rows)}\n", flush=True)
            result[name] = {column: round(value, 1) for column, value in rows[-1].items()}
    finally:
        shutil.rmtree(folder)
    print(json.dumps(result))


if __name__ == "__main__":
    main()
