"""Cost of a night, stage by stage: of this checkout or of another, as the scheduler runs it.

Each stage is its own spark-submit, start-up included, or all are one, as in the warm JVM of one machine. Memory is that
of the whole process tree (driver, JVM, Python workers, training), sampled four times a second.
"""

import json
import os
import shutil
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path

import psutil
import redis

from contracts.run_files import RunFiles
from infra.services import ROOT
from tests.nights import redis_server

MB = 2**20
ASK = """
import json
from contracts import pipeline
print(json.dumps([getattr(pipeline, "RUNNER", "spark_jobs/run.py"), list(pipeline.STAGES)]))
"""


@dataclass(frozen=True)
class Cost:
    """Cost of one process tree: wall seconds, how many of them started the JVM and session, peak MB."""

    seconds: float
    startup_seconds: float
    peak_mb: float


@dataclass(frozen=True)
class Checkout:
    """A checkout with its environments and jars: its runner, from ``root``, and its stages in order."""

    root: Path
    runner: str
    stages: tuple[str, ...]

    @classmethod
    def at(cls, root: Path) -> "Checkout":
        """The checkout in ``root``; its own code names its runner and stages."""
        env = os.environ | {"PYTHONPATH": str(root)}
        answer = subprocess.run(
            [str(root / ".venv/lake/bin/python"), "-c", ASK],
            cwd=root,
            env=env,
            capture_output=True,
            text=True,
            check=False,
        )
        if answer.returncode != 0:
            raise SystemExit(f"{root} does not say its stages:\n{answer.stderr[-2000:]}")
        runner, stages = json.loads(answer.stdout)
        return cls(root, runner, tuple(stages))

    @property
    def python(self) -> str:
        """Its interpreter for Spark."""
        return str(self.root / ".venv/lake/bin/python")

    def submit(self, *job: str) -> list[str]:
        """The command that submits a script and its arguments to its Spark."""
        conf = self.root / ".jars/spark.conf"
        return [str(Path(self.python).parent / "spark-submit"), "--properties-file", str(conf), *job]


def measure(command: list[str], log: Path, root: Path = ROOT) -> tuple[float, float]:
    """Run a command in a checkout; returns wall seconds and the peak resident MB of its process tree."""
    env = os.environ | {"PYTHONPATH": str(root), "PYSPARK_PYTHON": str(root / ".venv/lake/bin/python")}
    started, peak = time.monotonic(), 0
    with log.open("ab") as output:
        process = psutil.Popen(command, cwd=root, env=env, stdout=output, stderr=output)
        while process.poll() is None:
            peak = max(peak, resident(process))
            time.sleep(0.25)
    if process.returncode != 0:
        raise SystemExit(f"{' '.join(command[:6])} … failed:\n{log.read_text(errors='replace')[-3000:]}")
    return time.monotonic() - started, peak / MB


def resident(process: psutil.Process) -> int:
    """Resident bytes of a process and its descendants, shared pages counted once per process."""
    total = 0
    try:
        tree = [process, *process.children(recursive=True)]
    except psutil.NoSuchProcess:
        return 0
    for one in tree:
        try:
            total += one.memory_info().rss
        except psutil.NoSuchProcess:
            continue
    return total


def size_mb(folder: Path) -> float:
    """Size of a folder's files."""
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file()) / MB


def simulate(checkout: Checkout, users: int, days: int, end_date: str, landing: Path) -> Cost:
    """Landing files of ``days`` days up to ``end_date``."""
    words = ["--users", str(users), "--days", str(days), "--end-date", end_date, "--landing", str(landing)]
    command = [checkout.python, "-m", "spark_jobs.simulate", *words]
    seconds, peak = measure(command, landing.parent / "log", checkout.root)
    return Cost(seconds, 0.0, peak)


def logging_to(events: Path) -> list[str]:
    """Options that make Spark log its events in a folder, as lines of JSON."""
    options = {"enabled": "true", "dir": str(events), "compress": "false", "rolling.enabled": "false"}
    return [word for name, value in options.items() for word in ("--conf", f"spark.eventLog.{name}={value}")]


def run_night(
    checkout: Checkout, ds: str, folder: Path, label: str, events: Path | None = None, *, one_jvm: bool = False
) -> dict[str, Cost]:
    """Run the night of ``ds`` on ``folder``'s landing area, lake and Redis; returns the cost of each stage.

    Redis saves its data in the folder, so the next night begins with them. Spark logs its events in ``events``, if
    given. ``label`` begins each printed line. With ``one_jvm`` the stages run one after another in one JVM: a stage's
    seconds are those of its record, ``start-up`` has the others, and memory is the peak of all.
    """
    places = {name: str(folder / name) for name in ("lake", "landing", "runs")}
    arguments = ["--ds", ds, *(word for name, path in places.items() for word in (f"--{name}", path)), "--strict"]
    costs: dict[str, Cost] = {}
    with redis_server(folder) as url:
        for stages in [checkout.stages] if one_jvm else [(stage,) for stage in checkout.stages]:
            words = [str(checkout.root / checkout.runner), *stages, *arguments, "--redis", url]
            job = checkout.submit(*(logging_to(events) if events else ()), *words)
            seconds, peak = measure(job, folder / "log", checkout.root)
            records = {stage: RunFiles.of(folder / "runs", ds).stage(stage).read() for stage in stages}
            if one_jvm:
                ran = {stage: Cost(record["seconds"], 0.0, peak) for stage, record in records.items()}
                left = seconds - sum(cost.seconds for cost in ran.values())
                ran["start-up"] = Cost(left, left, peak)
            else:
                ran = {stage: Cost(seconds, record["startup_seconds"], peak) for stage, record in records.items()}
            for stage, cost in ran.items():
                print(f"{label}  {stage:10} {cost.seconds:7.1f} s  {cost.peak_mb:6.0f} MB", flush=True)
            costs |= ran
        redis.Redis.from_url(url).save()
    return costs


def move_days_after(ds: str, landing: Path, kept: Path) -> None:
    """Move the days after ``ds`` from a landing area to ``kept``."""
    kept.mkdir()
    for day in sorted(landing.glob("????-??-??")):
        if day.name > ds:
            shutil.move(day, kept / day.name)
