"""Run one stage of one night: build each of its tables, gate it, record rows and seconds.

``spark-submit spark_jobs/night/run.py clean --ds 2026-03-08 --lake DIR --landing DIR --runs DIR`` is what an Airflow
task runs. A critical gate failure does not stop the stage itself: the table's validation task reads the verdict and
stops the night, so that the Airflow UI shows which table and rule failed. Outside Airflow, ``--strict`` makes a
failed gate the exit code.
"""

import argparse
import importlib
import os
import resource
import sys
import threading
import time
import traceback
from concurrent.futures import Future, ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

PYTHON_STARTED = time.time()
sys.path[0] = str(Path(__file__).resolve().parents[2])  # spark-submit puts this file's folder there

from spark_jobs.night.command_line import parse_arguments  # noqa: E402

if __name__ == "__main__":
    OPTIONS = parse_arguments(__doc__)  # the imports below take seconds; wrong settings end here

from contracts.broken_rules import describe_rule  # noqa: E402
from contracts.pipeline import STAGES, report_of, tables_of  # noqa: E402
from contracts.pipeline.table import Report, Table  # noqa: E402
from contracts.run_records import StageRecord, TableVerdict  # noqa: E402
from spark_jobs.night.gate.gate import prepare, run_gate  # noqa: E402
from spark_jobs.night.lake import Lake  # noqa: E402
from spark_jobs.night.night import Night  # noqa: E402
from spark_jobs.night.session import drop_checkpoints, open_session, size_shuffles  # noqa: E402

REFUSES = "spark_jobs.publish.epochs"
"""The module that knows which nights can still be published."""

FIRST = next(iter(STAGES))
"""The stage that a night starts with."""

SIDE_BY_SIDE = 2
"""Tables built at the same time: one works while the other plans, commits or runs its gate."""

ONE_GATE = threading.Lock()
"""Gates name their tables by session-wide views."""


def run_stage(night: Night, stage: str, startup_seconds: float = 0.0) -> list[TableVerdict]:
    """Build and gate every table of ``stage``; write ``<runs>/<ds>/stages/<stage>.json``; return the verdicts.

    Tables of the stage that do not read each other are built side by side. After a failure no further table is started,
    and the failure is raised when the running ones are done.
    """
    started_at, started = datetime.now(UTC), time.monotonic()
    if stage == FIRST:
        refuse_to_start(night)
    report = report_of(stage)
    if report is not None:
        run_job(night, report)
    inputs = {name for table in tables_of(stage) for name in table.inputs}
    before = {table.full_name: night.lake.last_version(table.full_name) for table in tables_of(stage)}
    size_shuffles(night.spark, sum(night.lake.num_bytes(name) for name in inputs))
    built: dict[str, Future[float]] = {table.full_name: Future() for table in tables_of(stage)}
    with ThreadPoolExecutor(SIDE_BY_SIDE) as pool:
        verdicts = list(pool.map(lambda table: build_and_gate(night, table, built, before), tables_of(stage)))
    record: StageRecord = {
        "stage": stage,
        "started_at": started_at.isoformat(),
        "seconds": round(time.monotonic() - started, 2),
        "startup_seconds": round(startup_seconds, 2),
        "peak_rss_mb": peak_memory_mb(),
        "tables": {
            verdict["table"]: {
                "rows": verdict["rows"],
                "rows_checked": verdict["rows_checked"],
                "seconds": round(built[verdict["table"]].result(), 2),
                "gate_seconds": verdict["seconds"],
            }
            for verdict in verdicts
        },
    }
    night.files.stage(stage).write(record)
    return verdicts


def refuse_to_start(night: Night) -> None:
    """Raise if a newer night is live: this one could not be published, so it is not computed either.

    This checks the lake only; publish checks the pointer in Redis, which is the truth, before it builds the epoch.
    """
    if night.lake.exists("gold.epochs"):
        importlib.import_module(REFUSES).refuse_older(night, None)


def build_and_gate(night: Night, table: Table, built: dict[str, Future[float]], before: dict[str, int]) -> TableVerdict:
    """Build ``table`` once the tables of ``built`` that it reads are done, set its own future, return its verdict.

    ``before`` has the version of each table when the stage began: rows are counted from there. ``built`` has a future
    of the seconds of each table of the stage, in the order in which they start. A table comes after those that it
    reads, so it only ever waits for tables that are being built.
    """
    try:
        for name in built.keys() & set(table.inputs):
            built[name].result()
        started = time.monotonic()
        run_job(night, table)
        built[table.full_name].set_result(time.monotonic() - started)
    except BaseException as error:
        built[table.full_name].set_exception(error)
        raise
    with ONE_GATE:
        verdict = run_gate(night, table.full_name, before[table.full_name])
    seconds = built[table.full_name].result()
    written = f"{table.full_name}: {verdict['rows']:,} rows written in {seconds:.1f} s"
    checked = f"gate of {verdict['rows_checked']:,} rows {verdict['seconds']:.1f} s"
    print("\n  ".join([f"{written}, {checked}", *failures(verdict)]))
    return verdict


def run_job(night: Night, output: Table | Report) -> None:
    """Run the job of a table or a report."""
    importlib.import_module(output.job).main(night.of(output))


def failures(verdict: TableVerdict) -> list[str]:
    """One readable line per broken rule, critical ones first."""
    broken = sorted((r for r in verdict["results"] if not r["success"]), key=lambda r: str(r["severity"]))
    return [f"{result['severity']}: {describe_rule(verdict['table'], result)}" for result in broken]


def peak_memory_mb() -> float:
    """Peak resident memory in MB of the driver: its Python process plus its JVM."""
    own = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    status = Path(f"/proc/{_jvm().java.lang.ProcessHandle.current().pid()}/status")
    jvm = 0
    if status.exists():
        jvm = next(int(line.split()[1]) for line in status.read_text().splitlines() if line.startswith("VmHWM"))
    return round((own + jvm) / 1024, 1)


def job_start() -> float:
    """When this job began, in Unix seconds: its JVM's start, or its own start if it joined a running JVM."""
    if _jvm().java.lang.ProcessHandle.current().pid() != os.getppid():
        return PYTHON_STARTED
    return float(_jvm().java.lang.management.ManagementFactory.getRuntimeMXBean().getStartTime()) / 1000.0


def _jvm() -> Any:
    from pyspark import SparkContext  # noqa: PLC0415

    assert SparkContext._gateway is not None, "no session is open"
    return SparkContext._gateway.jvm


def main(options: argparse.Namespace) -> int:
    """Run the stages; returns the exit code."""
    prepare()
    sys.stdout.reconfigure(line_buffering=True)  # type: ignore[union-attr]  # progress shows as it happens
    spark = open_session(f"{' '.join(options.stage)} {options.ds}")
    startup = time.time() - job_start()
    lake = Lake(spark, options.lake)
    night = Night(lake, options.ds, options.landing, options.runs, options.settings, options.redis)
    reason = None
    try:
        for stage in options.stage:
            verdicts = run_stage(night, stage, startup)
            startup = 0.0
            if options.strict and not all(verdict["success"] for verdict in verdicts):
                reason = f"{stage}: stopped by the gate"
                break
    except Exception as error:  # noqa: BLE001 - the process ends with it
        traceback.print_exc()
        reason = sentence_of(error)
    finally:
        lake.leases.release_all()
        drop_checkpoints(spark)
        spark.stop()
    if reason is not None:
        print(reason, file=sys.stderr)  # the last line: who looks for the reason of a failed task reads the end
    return 0 if reason is None else 1


def sentence_of(error: Exception) -> str:
    """The class of an exception and the first line of its message; the rest of a JVM exception is its trace."""
    message = next((line.strip() for line in str(error).splitlines() if line.strip()), "it says nothing")
    return f"{type(error).__name__}: {message}"


if __name__ == "__main__":
    sys.exit(main(OPTIONS))
