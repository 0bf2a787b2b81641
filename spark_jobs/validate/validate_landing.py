"""Validate a landing area before a night reads it: file, line and rule of every refused line.

``make validate-landing LANDING=DIR``, or ``python spark_jobs/validate/validate_landing.py --landing DIR``. It reads
every line as ingest does, and checks events against each other as the stages ingest and clean do in a first night, but
without Spark. It does not see a lake, with its events, users and erased people. It reports the first rule that a line
breaks.

Exit code 0: every line is accepted. 1: some are refused. 2: a file or the whole area cannot be read; other files are
still checked.
"""

import argparse
import os
import sys
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from contextlib import suppress
from multiprocessing import get_context
from pathlib import Path

if __name__ == "__main__":
    sys.path[0] = str(Path(__file__).resolve().parents[2])  # Python puts this file's folder there

import pyarrow as pa
import pyarrow.compute as pc

from contracts.landing import REFUSALS
from spark_jobs.ingest.events import days_of_reuse
from spark_jobs.ingest.landing_area import LandingError, LandingFile, RefusedFile, list_files
from spark_jobs.night.night import load_settings
from spark_jobs.validate.area_rules import find_violations
from spark_jobs.validate.file_facts import FileFacts, read_facts
from storage.check import add_place, check_options

PROGRESS_EVERY_S = 5.0
BYTES_PER_PROCESS = 64 * 2**20
"""Starting a process takes about as long as reading this many bytes."""


def check_area(landing: str) -> tuple[list[FileFacts], pa.Table, list[RefusedFile]]:
    """The facts of each file of ``landing``, sorted by source, every refused line, and the entries that are not read.

    Raises ``LandingError`` if there is nothing to read. Progress goes to standard error.
    """
    try:
        dataset = load_settings(landing).dataset
    except ValueError as error:
        raise LandingError(str(error)) from error
    files, refused = list_files(landing)
    if not files and not refused:
        raise LandingError(f"{landing}: no file <YYYY-MM-DD>/<name>.jsonl, see docs/landing.md")
    facts = sorted(_read_all(files, dataset.late_days), key=lambda one: one.source)
    return facts, find_violations(facts, days_of_reuse(dataset)), refused


def _read_all(files: Sequence[LandingFile], late_days: int) -> Iterator[FileFacts]:
    """The facts of each file, in any order; in several processes if that pays, largest file first."""
    largest_first = sorted(files, key=lambda file: -file.num_bytes)
    started = last_report = time.monotonic()
    num_lines = 0
    for done, facts in enumerate(_facts_of(largest_first, late_days), start=1):
        num_lines += facts.num_lines
        if time.monotonic() - last_report > PROGRESS_EVERY_S:
            last_report = time.monotonic()
            _say(f"  {done:,} of {len(files):,} files, {num_lines:,} lines, {last_report - started:.0f} s")
        yield facts


def _facts_of(files: Sequence[LandingFile], late_days: int) -> Iterator[FileFacts]:
    num_bytes = sum(file.num_bytes for file in files)
    processes = min(os.cpu_count() or 1, len(files), num_bytes // BYTES_PER_PROCESS)
    if processes < 2:  # noqa: PLR2004
        yield from (read_facts(file, late_days) for file in files)
        return
    with ProcessPoolExecutor(processes, get_context("spawn")) as pool:
        waiting = {pool.submit(read_facts, file, late_days) for file in files}
        while waiting:
            done: set[Future[FileFacts]]
            done, waiting = wait(waiting, return_when=FIRST_COMPLETED)
            yield from (future.result() for future in done)


def describe(source: str, line: int, reason: str, detail: str | None) -> str:
    """``file:line: reason (value): rule``, for example ``2026-03-08/a.jsonl:7: self_edge (friend_id=2): …``."""
    return f"{source}:{line}: {reason}{f' ({detail})' if detail else ''}: {REFUSALS[reason]}"


def messages(files: Sequence[FileFacts], violations: pa.Table) -> Iterator[str]:
    """One message for each refused line, in order of file and line."""
    for batch in violations.to_batches(max_chunksize=10_000):
        for row in batch.to_pylist():
            yield describe(files[row["file"]].source, row["line"], row["reason"], row["detail"])


def report(files: Sequence[FileFacts], violations: pa.Table, refused: Sequence[RefusedFile]) -> int:
    """Print every refusal, and the counts by reason; returns the exit code."""
    for message in messages(files, violations):
        print(message)
    unread = [f"{file.source} {file.problem}" for file in files if file.problem is not None]
    unread += [f"{file.source} {file.problem}" for file in refused]
    for sentence in sorted(unread):
        print(sentence)
    num_lines, num_refused = sum(file.num_lines for file in files), len(violations)
    area = f"{_counted(num_lines, 'line')} of {_counted(len(files), 'file')}"
    print(f"{area}: {num_lines - num_refused:,} accepted, {num_refused:,} refused")
    counts = {row["values"]: row["counts"] for row in pc.value_counts(violations["reason"]).to_pylist()}
    for reason in REFUSALS:
        if reason in counts:
            print(f"  {counts[reason]:9,}  {reason}")
    if unread:
        print(f"  {len(unread):9,}  not read as a file, or not to its end")
    return 2 if unread else min(num_refused, 1)


def _counted(number: int, what: str) -> str:
    return f"{number:,} {what}{'' if number == 1 else 's'}"


def main(arguments: Sequence[str] | None = None) -> int:
    """Command line; returns the exit code."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    add_place(parser, "landing", "landing area, see docs/landing.md")
    options = parser.parse_args(arguments)
    check_options(parser, options, "landing")
    landing = options.landing
    try:
        return report(*check_area(landing))
    except (OSError, LandingError) as error:
        _say(f"validate-landing: {error}")
        return 2


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


if __name__ == "__main__":
    with suppress(BrokenPipeError):  # the reader of the output has stopped
        sys.exit(main())
