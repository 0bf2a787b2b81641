"""Run one stage of one night: build each of its tables, gate it, record rows and seconds.

``spark-submit spark_jobs/run.py clean --ds 2026-03-08 --lake DIR --landing DIR --runs DIR`` is what an Airflow task
runs. A critical gate failure does not stop the stage itself: the table's validation task reads the verdict and
stops the night, so that the Airflow UI shows which table and rule failed. Outside Airflow, ``--strict`` makes a
failed gate the exit code.
"""

import argparse
import importlib
import resource
import sys
import time
from collections.abc import Sequence
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

sys.path[0] = str(Path(__file__).resolve().parent.parent)  # spark-submit puts this file's folder there

from contracts.pipeline import STAGES, Table, tables_of  # noqa: E402
from spark_jobs.gate import prepare, run_gate, write_json  # noqa: E402
from spark_jobs.lake import Lake  # noqa: E402
from spark_jobs.night import Night, load_settings  # noqa: E402
from spark_jobs.session import open_session  # noqa: E402

WITHOUT_TABLE = {"audit": "spark_jobs.audit.audit", "evaluate": "spark_jobs.evaluate.ranking"}
"""Stages that write a file for the report instead of a table."""


def run_stage(night: Night, stage: str, startup_seconds: float = 0.0) -> list[dict[str, Any]]:
    """Build and gate every table of ``stage``; write ``<runs>/<ds>/stages/<stage>.json``; return the verdicts."""
    started_at, started = datetime.now(UTC), time.monotonic()
    verdicts: list[dict[str, Any]] = []
    tables: dict[str, dict[str, float]] = {}
    if stage in WITHOUT_TABLE:
        importlib.import_module(WITHOUT_TABLE[stage]).main(night)
    for table in tables_of(stage):
        begun = time.monotonic()
        build_table(night, table)
        built = time.monotonic()
        verdict = run_gate(night, table.full_name)
        verdicts.append(verdict)
        tables[table.full_name] = {
            "rows": verdict["rows"],
            "seconds": round(built - begun, 2),
            "gate_seconds": verdict["seconds"],
        }
        print(f"{table.full_name}: {verdict['rows']:,} rows in {built - begun:.1f} s, gate {verdict['seconds']:.1f} s")
        for line in failures(verdict):
            print(f"  {line}")
    record = {
        "stage": stage,
        "started_at": started_at.isoformat(),
        "seconds": round(time.monotonic() - started, 2),
        "startup_seconds": round(startup_seconds, 2),
        "peak_rss_mb": peak_memory_mb(),
        "tables": tables,
    }
    write_json(night.folder / "stages" / f"{stage}.json", record)
    return verdicts


def build_table(night: Night, table: Table) -> None:
    """Run the table's job, ``spark_jobs/<stage>/<name>.py``."""
    importlib.import_module(f"spark_jobs.{table.stage}.{table.name}").main(night)


def failures(verdict: dict[str, Any]) -> list[str]:
    """One readable line per broken rule, critical ones first."""
    broken = sorted((r for r in verdict["results"] if not r["success"]), key=lambda r: str(r["severity"]))
    return [f"{r['severity']}: {verdict['table']} {r['expectation']}({r['column']}): {r['message']}" for r in broken]


def peak_memory_mb() -> float:
    """Peak resident memory in MB of the driver: its Python process plus its JVM."""
    own = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    status = Path(f"/proc/{_jvm().java.lang.ProcessHandle.current().pid()}/status")
    jvm = 0
    if status.exists():
        jvm = next(int(line.split()[1]) for line in status.read_text().splitlines() if line.startswith("VmHWM"))
    return round((own + jvm) / 1024, 1)


def jvm_start() -> float:
    """When this job's JVM was started, in seconds since the epoch."""
    return float(_jvm().java.lang.management.ManagementFactory.getRuntimeMXBean().getStartTime()) / 1000.0


def _jvm() -> Any:
    from pyspark import SparkContext  # noqa: PLC0415

    assert SparkContext._gateway is not None, "no session is open"
    return SparkContext._gateway.jvm


def parse_arguments(arguments: Sequence[str] | None = None) -> argparse.Namespace:
    """Command line of one stage."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("stage", choices=STAGES, nargs="+", help="stages, run in order")
    parser.add_argument("--ds", type=date.fromisoformat, required=True, help="the night's day, YYYY-MM-DD")
    parser.add_argument("--lake", required=True, help="root folder or URI of the Delta tables")
    parser.add_argument("--landing", required=True, help="landing folder, see docs/landing.md")
    parser.add_argument("--runs", type=Path, required=True, help="local folder for verdicts, timings and the report")
    parser.add_argument("--redis", default="redis://127.0.0.1:6379/0", help="Redis to publish to")
    parser.add_argument("--strict", action="store_true", help="exit with 1 when a critical rule is broken")
    return parser.parse_args(arguments)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the stages; returns the exit code."""
    options = parse_arguments(arguments)
    prepare()
    sys.stdout.reconfigure(line_buffering=True)  # type: ignore[union-attr]  # progress shows as it happens
    spark = open_session(f"{' '.join(options.stage)} {options.ds}")
    startup = time.time() - jvm_start()
    lake = Lake(spark, options.lake)
    night = Night(lake, options.ds, options.landing, options.runs, load_settings(options.landing), options.redis)
    try:
        for stage in options.stage:
            verdicts = run_stage(night, stage, startup)
            startup = 0.0
            if options.strict and not all(verdict["success"] for verdict in verdicts):
                print(f"{stage}: stopped by the gate", file=sys.stderr)
                return 1
    finally:
        spark.stop()
    return 0


if __name__ == "__main__":
    sys.exit(main())
