"""The demo: everything up, one night through the scheduler, one user's feed printed.

``python -m infra.demo [--users 2000] [--days 8] [--data dump or landing area] [--day 2026-03-05] [--settings FILE]``;
``--stop`` ends what it started. Everything lives under ``.run/``; a second run reuses it and publishes a new epoch of
the same night.
"""

import argparse
import concurrent.futures
import hashlib
import os
import re
import subprocess
import sys
import time
from dataclasses import dataclass, replace
from datetime import date, datetime
from pathlib import Path
from typing import Any

from contracts.broken_rules import describe_rule
from contracts.run_files import RunFiles
from contracts.settings.options import VARIABLE, add_options
from infra import services
from infra.scheduler import DAG, Airflow, end_runs, follow
from infra.services import LAKE, ROOT, RUN, SPARK_SUBMIT
from infra.settings_file import use_settings

END_DATE = "2026-03-08"


@dataclass(frozen=True)
class Source:
    """A named data set: its landing area and the Spark job that fills it, if any; its folder; its Redis database.

    ``day`` is the requested night. Such a night has its own ``name``, lake and Redis database, so that it can run after
    any other night of the data set.
    """

    name: str
    landing: Path
    job: list[str]
    day: str | None = None

    @property
    def folder(self) -> Path:
        """Holds ``lake`` and ``runs``."""
        return folder_of(self.name)

    @property
    def redis_db(self) -> int:
        """One Redis database per data set."""
        return services.redis_database(self.name)

    @property
    def ds(self) -> str:
        """The night: the requested day, else the newest that landed."""
        return self.day or max(day_folders(self.landing))


def folder_of(name: str) -> Path:
    """The demo's folder of one data set."""
    return RUN / "data" / name


def day_folders(landing: Path) -> list[str]:
    """Names of a landing area's day folders."""
    return [entry.name for entry in landing.iterdir() if re.fullmatch(r"\d{4}-\d{2}-\d{2}", entry.name)]


def simulated_source(name: str, users: int, days: int) -> Source:
    """A simulated network under a name of its own."""
    landing = folder_of(name) / "landing"
    words = ["--users", str(users), "--days", str(days), "--end-date", END_DATE, "--landing", str(landing)]
    return Source(name, landing, ["spark_jobs/simulate/__main__.py", *words])


def choose_source(users: int, days: int, data: Path | None) -> Source:
    """The simulated network, a Stack Exchange dump through its adapter, or a landing area as it is."""
    if data is None:
        return simulated_source(f"simulated-{users}-{days}", users, days)
    if (data / "Posts.xml").exists():
        landing = folder_of("stackexchange") / "landing"
        words = ["--dump", str(data), "--landing", str(landing)]
        return Source("stackexchange", landing, ["spark_jobs/adapt/stackexchange.py", *words])
    if data.is_dir() and day_folders(data):
        where = hashlib.sha256(str(data).encode()).hexdigest()[:8]  # two areas of one name are two data sets
        return Source(re.sub(r"[^A-Za-z0-9_.-]", "-", f"{data.name}-{where}"), data, [])
    raise SystemExit(
        f"{data} holds neither Posts.xml (a Stack Exchange dump) nor folders named YYYY-MM-DD (a landing area)"
    )


def of_day(source: Source, day: date | None) -> Source:
    """``source`` on the night of ``day``, or of its newest day if None."""
    return source if day is None else replace(source, name=f"{source.name}-{day}", day=day.isoformat())


def check_day(source: Source) -> None:
    """End the demo if nothing had landed by the requested day."""
    first = min(day_folders(source.landing), default="none")
    if source.ds < first:
        raise SystemExit(f"nothing has landed by {source.ds}: the first day of {source.landing} is {first}")


def fill_landing(source: Source) -> float:
    """Run the simulator or adapter unless its landing area is complete; returns seconds."""
    if not source.job or (source.landing / "dataset.json").exists():
        return 0.0
    started = time.monotonic()
    source.landing.parent.mkdir(parents=True, exist_ok=True)
    with (RUN / f"{source.name}.log").open("wb") as log:
        env = {**os.environ, "PYTHONPATH": str(ROOT)}
        command = [str(SPARK_SUBMIT), *source.job]
        code = subprocess.run(command, cwd=ROOT, env=env, stdout=log, stderr=log, check=False).returncode
    if code != 0:
        raise SystemExit(f"filling the landing area failed:\n{(RUN / f'{source.name}.log').read_text()[-3000:]}")
    return time.monotonic() - started


def richest_user(redis_url: str) -> int:
    """Among some hundreds of published pools, the user with the longest one."""
    command = [str(LAKE / "python"), "-m", "infra.richest_user", redis_url]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    return int(done.stdout)


def split_of_time(source: Source, seconds: dict[str, float], num_tasks: int) -> None:
    """Where the demo's time went: starting services, starting JVMs, working, waiting for Airflow.

    Airflow's share is the part of the night in which no stage was starting or at work: scheduling, task processes,
    validating tasks, the report.
    """
    stages = [file.read() for file in RunFiles.of(source.folder / "runs", source.ds).stages()]
    startup = sum(stage["startup_seconds"] for stage in stages)
    work = sum(stage["seconds"] for stage in stages)
    covered, until = 0.0, 0.0
    for stage in sorted(stages, key=lambda stage: str(stage["started_at"])):
        at = datetime.fromisoformat(stage["started_at"]).timestamp()
        begin, end = max(at - stage["startup_seconds"], until), at + stage["seconds"]
        covered, until = covered + max(end - begin, 0.0), max(end, until)
    print(
        f"\ntook {seconds['total']:.0f} s: services {seconds['services']:.0f}, landing files {seconds['landing']:.0f}"
        f" (side by side), night {seconds['night']:.0f}"
        f"\n  of the night: {covered:.0f} s in stages ({work:.0f} s work and {startup:.0f} s JVM start-up,"
        f" candidates beside examples and train), {seconds['night'] - covered:.0f} s Airflow ({num_tasks} tasks)"
    )


def broken_rules(files: RunFiles, table: str | None = None) -> list[str]:
    """Broken critical rules, of every table or of one; one line each: table, rule, rows."""
    return [
        f"  {describe_rule(verdict['table'], result)}"
        for verdict in files.verdicts()
        if table in (None, verdict["table"])
        for result in verdict["results"]
        if result["severity"] == "critical" and not result["success"]
    ]


def reasons(airflow: Airflow, run_id: str, tasks: list[dict[str, Any]], files: RunFiles) -> list[str]:
    """Why each failed task failed: the broken rules for a validating task, else the end of the task's log."""
    lines = []
    for task in sorted((task for task in tasks if task["state"] == "failed"), key=lambda task: str(task["end_date"])):
        name = task["task_id"]
        _, is_validation, table = name.partition(".validate_")
        rules = broken_rules(files, table.replace("_", ".", 1)) if is_validation else []
        why = rules or [f"  {line}" for line in airflow.reason(run_id, name, task["try_number"])]
        lines += [f"{name} failed:", *why]
    return lines


def run(source: Source) -> int:
    """Bring everything up, run the night, print a feed; returns the exit code."""
    run_started = time.monotonic()
    source.folder.mkdir(parents=True, exist_ok=True)
    redis_url = f"{services.start_redis()}/{source.redis_db}"
    services.start_spark()
    print(f"starting Airflow{f', and filling the landing area of {source.name}' if source.job else ''}", flush=True)
    with concurrent.futures.ThreadPoolExecutor() as pool:
        landing = pool.submit(fill_landing, source)
        url = services.start_airflow(source.folder, redis_url)
        airflow = Airflow(url)
        airflow.wait_for_dag()
        seconds = {"services": time.monotonic() - run_started, "landing": landing.result()}
    check_day(source)
    folders = {"landing": source.landing, "lake": source.folder / "lake", "runs": source.folder / "runs"}
    conf = {"ds": source.ds, "redis": redis_url, **{name: str(folder) for name, folder in folders.items()}}
    conf["settings"] = os.environ.get(VARIABLE, "")  # the scheduler may run since an earlier demo
    run_id = airflow.trigger(source.name, conf)
    print(f"night of {source.ds} through the scheduler, run {run_id}", flush=True)
    started = time.monotonic()
    state, tasks = follow(airflow, run_id)
    seconds["night"] = time.monotonic() - started
    files = RunFiles.of(source.folder / "runs", source.ds)
    if state != "success":
        print("the night stopped; the epoch served before stays served")
        print(*reasons(airflow, run_id, tasks, files), sep="\n")
        print(f"Airflow UI   {url}/dags/{DAG}/runs/{run_id}\nrun report   {files.report}")
        return 1
    feed = services.start_feed(redis_url, source.folder / "records")
    user = richest_user(redis_url)
    secret = {"FEEDLAKE_JWT_SECRET_FILE": str(services.secret_file()), "PYTHONPATH": str(ROOT)}
    show = [str(LAKE / "python"), "-m", "serving.show_feed", "--url", feed, "--user", str(user), "--count", "10"]
    show += ["--audience", services.AUDIENCE]
    subprocess.run(show, cwd=ROOT, env={**os.environ, **secret}, check=True)
    seconds["total"] = time.monotonic() - run_started
    split_of_time(source, seconds, len(tasks))
    print(f"\nAirflow UI   {url}/dags/{DAG}/runs/{run_id}")
    print(f"run report   {files.report}")
    print(f"page         {feed}/   (any user's feed; `make collector` takes in what you do there)")
    print(f"feed API     {feed}/docs   (`make stop` ends everything)")
    return 0


def main() -> int:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--users", type=int, default=2000, help="simulated users (default: %(default)s)")
    parser.add_argument("--days", type=int, default=8, help="simulated days (default: %(default)s)")
    parser.add_argument("--data", type=Path, help="a Stack Exchange dump or a landing area, instead of the simulator")
    parser.add_argument("--day", type=date.fromisoformat, help="the night to run (default: the newest day of the data)")
    add_options(parser)
    parser.add_argument("--stop", action="store_true", help="end what an earlier demo started")
    options = parser.parse_args()
    if options.stop:
        end_runs()
        services.stop_all()
        return 0
    source = of_day(choose_source(options.users, options.days, options.data), options.day)
    use_settings(parser, options, source.landing, source.folder)
    return run(source)


if __name__ == "__main__":
    sys.exit(main())
