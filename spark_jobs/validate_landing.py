"""Say what is wrong with a landing area before a night meets it: file, line and rule of every refused line.

``make validate-landing LANDING=DIR``, or ``spark-submit spark_jobs/validate_landing.py --landing DIR``. The jobs of the
stages ingest and clean run on a lake of their own, which is thrown away, so the rules are the night's by construction;
what a lake knows already (its events and users, and who was erased) they do not see. A job that refuses a line tells
the first rule that it breaks.
Exit code 0: every line is accepted. 1: some are refused. 2: the area cannot be read as one.
"""

import argparse
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

sys.path[0] = str(Path(__file__).resolve().parent.parent)  # spark-submit puts this file's folder there

from pyspark.sql import DataFrame, Row, SparkSession  # noqa: E402
from pyspark.sql import functions as F  # noqa: E402

from contracts.landing import REFUSALS  # noqa: E402
from contracts.pipeline import tables_of  # noqa: E402
from spark_jobs.lake import Lake  # noqa: E402
from spark_jobs.night import Night, load_settings, newest_day  # noqa: E402
from spark_jobs.run import build_table  # noqa: E402
from spark_jobs.session import open_session  # noqa: E402

PROGRESS_EVERY_S = 5.0


def find_violations(spark: SparkSession, landing: str, scratch: Path) -> tuple[DataFrame, int]:
    """Refused lines (source, line, reason, detail) and the number of lines of all days of ``landing``.

    Raises ``FileNotFoundError`` or ``ValueError`` where the area cannot be read. Progress goes to standard error.
    """
    lake = Lake(spark, str(scratch / "lake"))
    night = Night(lake, newest_day(landing), landing, scratch / "runs", load_settings(landing))
    tables = (*tables_of("ingest"), *tables_of("clean"))
    for done, table in enumerate(tables):
        with progress(spark, f"{done + 1:2}/{len(tables)} {table.full_name}"):
            build_table(night, table)
    refused = night.read("bronze.quarantine")
    by_ingest = refused.where(F.col("writer") == "bronze.events").count()
    violations = refused.select("source", "line", "reason", "detail").orderBy("source", "line", "reason")
    return violations, night.read("bronze.events").count() + by_ingest


@contextmanager
def progress(spark: SparkSession, what: str) -> Iterator[None]:
    """Print ``what`` with its seconds when it is done, and how far its Spark tasks are while it lasts."""
    tracker, done, begun = spark.sparkContext.statusTracker(), threading.Event(), time.monotonic()

    def watch() -> None:
        while not done.wait(PROGRESS_EVERY_S):
            stages = [info for at in tracker.getActiveStageIds() if (info := tracker.getStageInfo(at)) is not None]
            tasks = ", ".join(f"{info.numCompletedTasks} of {info.numTasks} tasks" for info in stages)
            print(f"  {what}: {time.monotonic() - begun:.0f} s, {tasks or 'planning'}", file=sys.stderr, flush=True)

    watcher = threading.Thread(target=watch, daemon=True)
    watcher.start()
    try:
        yield
    finally:
        done.set()
        watcher.join()
    print(f"  {what}: done in {time.monotonic() - begun:.1f} s", file=sys.stderr, flush=True)


def describe(violation: Row) -> str:
    """``file:line: reason (value): rule``, for example ``2026-03-08/a.jsonl:7: self_edge (friend_id=2): …``."""
    shown = f" ({violation['detail']})" if violation["detail"] else ""
    return f"{violation['source']}:{violation['line']}: {violation['reason']}{shown}: {REFUSALS[violation['reason']]}"


def report(violations: DataFrame, num_lines: int) -> int:
    """Print every refusal and the counts by reason; returns the exit code."""
    counts = dict.fromkeys(REFUSALS, 0)
    for violation in violations.toLocalIterator(prefetchPartitions=True):
        print(describe(violation))
        counts[violation["reason"]] += 1
    refused = violations.select("source", "line").distinct().count()
    print(f"{num_lines:,} lines: {num_lines - refused:,} accepted, {refused:,} refused")
    for reason, count in counts.items():
        if count:
            print(f"  {count:9,}  {reason}")
    return 1 if refused else 0


def main(arguments: Sequence[str] | None = None) -> int:
    """Command line; returns the exit code."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--landing", required=True, help="landing folder, see docs/landing.md")
    landing = parser.parse_args(arguments).landing
    spark = open_session(f"validate {landing}")
    try:
        with tempfile.TemporaryDirectory(prefix="feedlake-validate-") as scratch:
            return report(*find_violations(spark, landing, Path(scratch)))
    except (FileNotFoundError, ValueError) as error:
        print(f"validate-landing: {error}", file=sys.stderr)
        return 2
    finally:
        spark.stop()


if __name__ == "__main__":
    sys.exit(main())
