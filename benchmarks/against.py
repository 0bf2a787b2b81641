"""``make bench K=against REV=<commit>``: compares nights of this checkout and of another commit, run in turns.

Both run a first night and a **steady** night, which is one more day on the lake of the first; ``NIGHTS=first`` leaves
the steady ones out. ``JVM=one`` runs the stages of a night in one JVM, as one machine does, and not each in its own.
``USERS`` and ``DAYS`` set the size of the network (2,000 and 8), ``RUNS`` how often each night runs (3). The other
commit simulates the landing files, once, because this one must read files of older commits. Each steady night begins on
a copy of the lake that the same commit's first night left. A ratio is the other commit's median over this one's: 2 is
twice as fast.

Everything is in ``.run/bench/``, by commits and sizes. An interrupted benchmark continues with the night that was
running, unless this checkout has uncommitted changes: then it starts over. The other commit uses the environments and
jars of this one if it locks the same versions, and otherwise sets up its own.
"""

import json
import os
import shutil
import subprocess
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import median

from benchmarks.night_costs import Checkout, Cost, move_days_after, run_night, simulate
from infra.services import ROOT

FIRST_DS, STEADY_DS = "2026-03-08", "2026-03-09"
DEFAULTS = {"USERS": 2000, "DAYS": 8, "RUNS": 3}
KINDS = {"first": FIRST_DS, "steady": STEADY_DS}
ENVIRONMENTS = ("requirements", "infra/setup_spark.py", "infra/install_system.sh")
"""Files that determine environments and jars."""

LINKED = (".venv", ".jars", ".tools")

Nights = dict[str, dict[str, Cost]]
"""Costs by stage of the nights that have run, by ``name_of``."""


@dataclass(frozen=True)
class Bench:
    """One comparison: its folder, the two checkouts by side, how often each night runs, which, and how."""

    folder: Path
    sides: dict[str, Checkout]
    users: int
    days: int
    runs: int
    kinds: Sequence[str] = tuple(KINDS)
    one_jvm: bool = False

    @property
    def results(self) -> Path:
        """Costs of the nights that are done."""
        return self.folder / "results.json"


def name_of(kind: str, run: int, side: str) -> str:
    """Name of one night."""
    return f"{kind} {run} {side}"


def git(*words: str) -> str:
    """Output of a git command in this checkout; ends the benchmark if git fails."""
    done = subprocess.run(["git", *words], cwd=ROOT, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise SystemExit(f"git {' '.join(words)}: {done.stderr.strip()}")
    return done.stdout.strip()


def check_out(revision: str, folder: Path) -> Checkout:
    """A work tree of ``revision`` in ``folder``, with environments."""
    if not folder.exists():
        git("worktree", "prune")
        git("worktree", "add", "--detach", str(folder), revision)
    changed = subprocess.run(["git", "diff", "--quiet", revision, "--", *ENVIRONMENTS], cwd=ROOT, check=False)
    for name in LINKED:
        if (folder / name).is_symlink():
            (folder / name).unlink()  # through a link, a set-up would change this checkout's own
        if changed.returncode == 0 and not (folder / name).exists():
            (folder / name).symlink_to((ROOT / name).resolve())
    if changed.returncode != 0 and subprocess.run(["make", "setup"], cwd=folder, check=False).returncode != 0:
        raise SystemExit(f"make setup fails in {folder}")
    return Checkout.at(folder)


def landing_of(bench: Bench) -> Path:
    """The landing area of the first night, built once; the day after is in ``next`` beside it."""
    built, next_day = bench.folder / "landing", bench.folder / "next"
    if not next_day.exists():
        scratch = bench.folder / "scratch"
        shutil.rmtree(scratch, ignore_errors=True)
        shutil.rmtree(built, ignore_errors=True)
        scratch.mkdir()
        print(f"simulating {bench.users:,} users x {bench.days} days, and the day after", flush=True)
        simulate(bench.sides["other"], bench.users, bench.days + 1, STEADY_DS, scratch / "landing")
        move_days_after(FIRST_DS, scratch / "landing", scratch / "next")
        (scratch / "landing").rename(built)
        (scratch / "next").rename(next_day)
    return built


def run_one(bench: Bench, kind: str, run: int, side: str) -> dict[str, Cost]:
    """One night on a fresh copy of its inputs; the lake of a side's first night is kept."""
    work, kept = bench.folder / "work", bench.folder / f"standing-{side}"
    shutil.rmtree(work, ignore_errors=True)
    if kind == "first":
        work.mkdir()
        shutil.copytree(landing_of(bench), work / "landing")
    else:
        shutil.copytree(kept, work)
        for day in (bench.folder / "next").iterdir():
            shutil.copytree(day, work / "landing" / day.name)
    label = f"{kind:6} {run + 1}/{bench.runs} {side:5}"
    costs = run_night(bench.sides[side], KINDS[kind], work, label, one_jvm=bench.one_jvm)
    if kind == "first" and not kept.exists():
        work.rename(kept)
    return costs


def run_all(bench: Bench) -> Nights:
    """Run every night that has not run yet, in turns: the side that begins changes from run to run."""
    done: Nights = {}
    if bench.results.exists():
        kept = json.loads(bench.results.read_text())
        done = {name: {stage: Cost(**cost) for stage, cost in night.items()} for name, night in kept.items()}
    for kind in bench.kinds:
        for run in range(bench.runs):
            for side in sorted(bench.sides, reverse=run % 2 == 0):
                name = name_of(kind, run, side)
                if name not in done:
                    done[name] = run_one(bench, kind, run, side)
                    costs = {n: {stage: asdict(cost) for stage, cost in night.items()} for n, night in done.items()}
                    part = bench.results.with_suffix(".part")
                    part.write_text(json.dumps(costs, indent=1))
                    part.replace(bench.results)
    shutil.rmtree(bench.folder / "work", ignore_errors=True)
    return done


def compare(done: Nights, kind: str, runs: int) -> dict[str, dict[str, float | None]]:
    """By stage, and ``whole``: median ``seconds`` and largest ``peak_mb`` of this and other, and the ratio of seconds.

    A stage that one side lacks has no ratio and None for that side.
    """
    nights = {side: [done[name_of(kind, run, side)] for run in range(runs)] for side in ("this", "other")}
    stages = list(dict.fromkeys(stage for costs in nights.values() for stage in costs[0]))
    seconds = {side: {s: _median(costs, s) for s in stages} for side, costs in nights.items()}
    peaks = {side: {s: _peak(costs, s) for s in stages} for side, costs in nights.items()}
    for side, costs in nights.items():
        seconds[side]["whole"] = median(sum(cost.seconds for cost in night.values()) for night in costs)
        peaks[side]["whole"] = round(max(cost.peak_mb for night in costs for cost in night.values()))
    rows: dict[str, dict[str, float | None]] = {}
    for stage in (*stages, "whole"):
        this, other = seconds["this"][stage], seconds["other"][stage]
        rows[stage] = {
            "this_s": this,
            "other_s": other,
            "ratio": None if this is None or other is None else round(other / this, 3),
            "this_mb": peaks["this"][stage],
            "other_mb": peaks["other"][stage],
        }
    return rows


def _median(nights: list[dict[str, Cost]], stage: str) -> float | None:
    return round(median(night[stage].seconds for night in nights), 2) if stage in nights[0] else None


def _peak(nights: list[dict[str, Cost]], stage: str) -> float | None:
    return round(max(night[stage].peak_mb for night in nights)) if stage in nights[0] else None


def print_table(kind: str, rows: dict[str, dict[str, float | None]]) -> None:
    """One row per stage."""
    print(f"\n{kind + ' night':14}{'other → this, s':>22}{'ratio':>8}{'other → this, peak MB':>26}")
    for stage, row in rows.items():
        other, this, ratio, other_mb, this_mb = (
            "-" if row[name] is None else f"{row[name]:.{digits}f}"
            for name, digits in (("other_s", 1), ("this_s", 1), ("ratio", 2), ("other_mb", 0), ("this_mb", 0))
        )
        print(f"{stage:14}{other + ' → ' + this:>22}{ratio:>8}{other_mb + ' → ' + this_mb:>26}")


def main() -> None:
    """Run the remaining nights and print the comparison, one JSON line last."""
    revision = os.environ.get("REV")
    if not revision:
        raise SystemExit("name the other commit: make bench K=against REV=af54633")
    kinds = (os.environ.get("NIGHTS") or ",".join(KINDS)).split(",")
    if kinds not in (["first"], list(KINDS)):
        raise SystemExit(f"NIGHTS={','.join(kinds)}: first, or first,steady")
    users, days, runs = (int(os.environ.get(name) or default) for name, default in DEFAULTS.items())
    commit = git("rev-parse", "--verify", f"{revision}^{{commit}}")[:12]
    here = git("describe", "--always", "--dirty", "--abbrev=12", "--exclude=*")
    one_jvm = os.environ.get("JVM") == "one"
    name = f"{here}-against-{commit}-{users}x{days}{'-one-jvm' if one_jvm else ''}"
    folder = ROOT / ".run" / "bench" / name
    if here.endswith("-dirty"):  # one name for different code
        shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True, exist_ok=True)
    other = check_out(commit, ROOT / ".run" / "bench" / f"tree-{commit}")
    bench = Bench(folder, {"this": Checkout.at(ROOT), "other": other}, users, days, runs, kinds, one_jvm)
    done = run_all(bench)
    tables = {kind: compare(done, kind, runs) for kind in kinds}
    for kind, rows in tables.items():
        print_table(kind, rows)
    result: dict[str, object] = {
        "metric": "night_speedup",
        "value": tables["first"]["whole"]["ratio"],
        "this": here,
        "other": commit,
        "users": users,
        "days": days,
        "runs": runs,
        "one_jvm": one_jvm,
        "ratios": {kind: {stage: row["ratio"] for stage, row in rows.items()} for kind, rows in tables.items()},
        "peak_mb": {kind: [rows["whole"]["other_mb"], rows["whole"]["this_mb"]] for kind, rows in tables.items()},
    }
    if "steady" in tables:
        steady = tables["steady"]["whole"]
        result |= {"steady": steady["ratio"], "steady_users_per_s": round(users / float(steady["this_s"] or 0.0), 1)}
    print(json.dumps(result))


if __name__ == "__main__":
    main()
