"""The closed loop: publish → respond → ingest → train → publish, day by day, on a simulated network.

``python -m infra.loop [--users 1000] [--days 7] [--settings FILE]``. Day 0 is the last of eight simulated days, whose
posts were delivered in random order; its night ranks and publishes. On each day after it, the simulated users respond
to the feeds that the night before ranked, and that day's night learns from it, through the same stages and gates as the
scheduler's nights (which night learns what: ``docs/simulator.md``). Everything is under ``.run/data/loop-<users>``.
After a kill, run it again: it continues with the day that it was in, and with more days, after the last one.
"""

import argparse
import fcntl
import os
import subprocess
import sys
import time
from datetime import date, timedelta
from pathlib import Path
from typing import IO, Any

from contracts.erasure import KEY_FILE_VARIABLE
from contracts.pipeline import RUNNER, STAGES
from contracts.run_files import RunFiles
from contracts.run_records import ended_at
from contracts.settings.options import add_options
from infra import services
from infra.demo import END_DATE, Source, broken_rules, fill_landing, simulated_source
from infra.services import LAKE, ROOT, RUN, SPARK_SUBMIT
from infra.settings_file import use_settings

HISTORY_DAYS = 8


def loop_source(users: int) -> Source:
    """The loop's own data set, apart from the demo's."""
    return simulated_source(f"loop-{users}", users, HISTORY_DAYS)


def hold(folder: Path) -> IO[str]:
    """Keep a second loop of the same network out for as long as the returned file is open."""
    lock = (folder / "loop.lock").open("w")
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        lock.close()
        raise SystemExit(f"a loop is running in {folder}: wait for it, or stop it, and run this again") from None
    return lock


def submit(source: Source, job: list[str], runs: Path) -> None:
    """Run one Spark job and print each stage of a night as its record appears in ``runs``; ends the loop on failure."""
    log_path = RUN / f"{source.name}.log"
    started, seen = time.time(), set[str]()
    with log_path.open("ab") as log:
        key = {KEY_FILE_VARIABLE: str(services.erasure_key_file())}
        env = {**os.environ, **key, "PYTHONPATH": str(ROOT)}
        process = subprocess.Popen([str(SPARK_SUBMIT), *job], cwd=ROOT, env=env, stdout=log, stderr=log)
        try:
            while process.poll() is None:
                time.sleep(0.5)
                show_stages(runs, started, seen)
        except BaseException:
            process.kill()
            raise
    show_stages(runs, started, seen)
    if process.returncode != 0:
        tail = log_path.read_text(errors="replace")[-2000:]
        reasons = [*broken_rules(RunFiles(runs)), f"the end of {log_path} says:", tail]
        raise SystemExit("\n".join(["the loop stopped; run it again to go on with this day", *reasons]))


def show_stages(runs: Path, started: float, seen: set[str]) -> None:
    """Print the stages that ended since ``begun`` and were not ``seen``."""
    for file in RunFiles(runs).stages():
        if ended_at(file.read()) >= started and file.stage not in seen:
            seen.add(file.stage)
            print(f"    {time.time() - started:5.0f} s  {file.stage} ({file.read()['seconds']:.1f} s)", flush=True)


def run_day(source: Source, ds: date, redis_url: str) -> dict[str, Any]:
    """Respond to the feeds of the day before, if there is one, run the night of ``ds``, return the figures."""
    runs, lake = source.folder / "runs" / ds.isoformat(), str(source.folder / "lake")
    before = ds - timedelta(days=1)
    started = time.monotonic()
    print(f"{ds}", flush=True)
    if ds > date.fromisoformat(END_DATE):
        job = ["spark_jobs/simulate/__main__.py", "respond", "--landing", str(source.landing), "--lake", lake]
        submit(source, [*job, "--ds", before.isoformat(), "--runs", str(runs.parent)], runs)
        print(f"    {time.monotonic() - started:5.0f} s  users responded to the feeds of {before}", flush=True)
    places = ["--lake", lake, "--landing", str(source.landing), "--runs", str(source.folder / "runs")]
    words = [*STAGES, "--ds", ds.isoformat(), *places, "--redis", redis_url, "--strict"]
    submit(source, [RUNNER, *words], runs)
    report = [str(LAKE / "python"), "-m", "analysis.report", "--runs", str(source.folder / "runs"), "--ds", str(ds)]
    subprocess.run(report, cwd=ROOT, check=True, stdout=subprocess.DEVNULL)
    figures = figures_of(source, ds, time.monotonic() - started)
    RunFiles(runs).loop.write(figures)  # the day is done
    return figures


def figures_of(source: Source, ds: date, seconds: float) -> dict[str, Any]:
    """One day's figures: the response, the true rates of other orders, ranking quality, and the published epoch."""
    files = RunFiles.of(source.folder / "runs", ds)
    judged = files.metrics.read()
    metrics, tonight = judged["metrics"], judged.get("tonight")
    return {
        "day": ds.isoformat(),
        "epoch": files.publish.read()["epoch"],
        "ndcg": {name: value["mean"] for name, value in metrics.get("ndcg@10", {}).items()},
        "expected": tonight and {name: tonight[name] for name in ("value", "low", "high", "warnings")},
        "response": files.response.read() if files.response.exists() else None,
        "seconds": round(seconds, 1),
    }


def line_of(figures: dict[str, Any]) -> str:
    """One day in one line."""
    ranker = figures["ndcg"].get("ranker")
    quality = "" if ranker is None else f"NDCG@10 {ranker:.3f} · "
    if (hope := figures.get("expected")) is not None:
        doubted = ", in doubt" if hope["warnings"] else ""
        quality += f"tomorrow {hope['value']:.1%} [{hope['low']:.1%}, {hope['high']:.1%}]{doubted} · "
    ending = f"{quality}epoch {figures['epoch']} · {figures['seconds']:.0f} s"
    if (response := figures["response"]) is None:
        return f"{figures['day']}  history · {ending}"
    rate = response["true_rate"]
    return (
        f"{figures['day']}  {response['num_impressions']:,} shown · {response['engagement_rate']:.1%} engaged · "
        f"true {rate['ranked']:.1%} (newest first {rate['chronological']:.1%}, at random {rate['random']:.1%}, "
        f"best {rate['best']:.1%}) · {ending}"
    )


def run(users: int, days: int) -> int:
    """Run the loop from the first unfinished day; returns the exit code."""
    source = loop_source(users)
    source.folder.mkdir(parents=True, exist_ok=True)
    with hold(source.folder):
        redis_url = f"{services.start_redis()}/{source.redis_db}"
        services.start_spark()
        print(f"simulating {HISTORY_DAYS} days of {users:,} users, unless that is done", flush=True)
        fill_landing(source)
        run_days(source, days, redis_url)
    runs, page = source.folder / "runs", source.folder / "loop.html"
    command = [str(LAKE / "python"), "-m", "analysis.loop_report", "--runs", str(runs), "--to", str(page)]
    subprocess.run(command, cwd=ROOT, check=True)
    print(f"day by day   {page}\nrun reports  {RunFiles.of(runs, '<day>').report}   (`make stop` ends everything)")
    return 0


def run_days(source: Source, days: int, redis_url: str) -> None:
    """Run the unfinished days, and print every day's line."""
    first = date.fromisoformat(END_DATE)
    for number in range(days + 1):
        ds = first + timedelta(days=number)
        done = RunFiles.of(source.folder / "runs", ds).loop
        figures = done.read() if done.exists() else run_day(source, ds, redis_url)
        print(line_of(figures), flush=True)


def main() -> int:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--users", type=int, default=1000, help="simulated users (default: %(default)s)")
    parser.add_argument("--days", type=int, default=7, help="days after the history (default: %(default)s)")
    add_options(parser)
    options = parser.parse_args()
    if options.days < 1:
        parser.error(f"--days must be at least 1; it is {options.days}")
    source = loop_source(options.users)
    use_settings(parser, options, source.landing, source.folder)
    try:
        return run(options.users, options.days)
    except KeyboardInterrupt:
        raise SystemExit("\nstopped; run it again to go on with this day") from None


if __name__ == "__main__":
    sys.exit(main())
