"""Where the seconds of one Spark application went, from its event log.

Each moment between the application's start and its end has one kind, the first of these that applies:

- ``delta``: a task of Delta's own jobs runs (its log, its statistics, the files a merge touches);
- ``tasks``: any other task runs;
- ``scheduling``: a job is active and no task of it runs: stages are cut, code is generated, results are sent;
- ``planning``: a query is active and no job: analysis, optimisation, commits to Delta's log;
- ``driver``: Spark is idle: Python on the driver, gates of small tables, training, waiting.
"""

import json
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import Any

KINDS = ("delta", "tasks", "scheduling", "planning", "driver")
DELTA_PREFIXES = ("Delta", "$anonfun$recordDeltaOperation")
"""A job is Delta's own if a line of its description begins with one of these."""

PYTHON_START = ("time to start Python workers", "time to initialize Python workers")
"""Metrics of tasks, in milliseconds."""

Event = dict[str, Any]
Interval = tuple[int, int]


@dataclass(frozen=True)
class Profile:
    """One application: ``seconds`` by kind; ``python_start_s`` is summed over tasks, which overlap."""

    name: str
    seconds: dict[str, float]
    num_jobs: int
    num_tasks: int
    python_start_s: float


def read_events(path: Path) -> list[Event]:
    """Events of an uncompressed log: a file, or the folder of a rolling log.

    Raises ``ValueError`` for a file without JSON lines; the message names the setting.
    """
    files = sorted(path.glob("events_*"), key=lambda part: int(part.name.split("_")[1])) if path.is_dir() else [path]
    try:
        return [json.loads(line) for file in files for line in file.read_text().splitlines()]
    except ValueError as error:
        raise ValueError(f"{path}: no JSON lines; log events with spark.eventLog.compress=false") from error


def profile(events: Iterable[Event]) -> Profile:
    """Profile of one application from its events; raises ``ValueError`` if its start is not among them."""
    reading = _Reading()
    for event in events:
        take = getattr(reading, event["Event"].rsplit(".", 1)[-1].removeprefix("SparkListener"), None)
        if take is not None:
            take(event)
    if not reading.name:
        raise ValueError("these events do not hold the start of an application")
    seconds = seconds_by_kind(reading.intervals)
    return Profile(reading.name, seconds, reading.num_jobs, reading.num_tasks, reading.python_ms / 1000)


@dataclass
class _Reading:
    """State while reading one application; a method per event, named as the event."""

    name: str = ""
    started: int = 0
    num_jobs: int = 0
    num_tasks: int = 0
    python_ms: int = 0
    open_jobs: dict[int, int] = field(default_factory=dict)
    open_queries: dict[int, int] = field(default_factory=dict)
    of_delta: set[int] = field(default_factory=set)
    intervals: dict[str, list[Interval]] = field(default_factory=lambda: {kind: [] for kind in KINDS})

    def ApplicationStart(self, event: Event) -> None:  # noqa: N802 - Spark's word
        self.started, self.name = event["Timestamp"], event["App Name"]

    def ApplicationEnd(self, event: Event) -> None:  # noqa: N802
        self.intervals["driver"].append((self.started, event["Timestamp"]))

    def JobStart(self, event: Event) -> None:  # noqa: N802
        self.num_jobs += 1
        self.open_jobs[event["Job ID"]] = event["Submission Time"]
        description = str(event.get("Properties", {}).get("spark.job.description", ""))
        if any(line.strip().startswith(DELTA_PREFIXES) for line in description.splitlines()):
            self.of_delta.update(event["Stage IDs"])

    def JobEnd(self, event: Event) -> None:  # noqa: N802
        self.intervals["scheduling"].append((self.open_jobs.pop(event["Job ID"]), event["Completion Time"]))

    def TaskEnd(self, event: Event) -> None:  # noqa: N802
        self.num_tasks += 1
        task = event["Task Info"]
        kind = "delta" if event["Stage ID"] in self.of_delta else "tasks"
        self.intervals[kind].append((task["Launch Time"], task["Finish Time"]))
        metrics = task.get("Accumulables", [])
        self.python_ms += sum(int(value.get("Update", 0)) for value in metrics if value.get("Name") in PYTHON_START)

    def SQLExecutionStart(self, event: Event) -> None:  # noqa: N802
        self.open_queries[event["executionId"]] = event["time"]

    def SQLExecutionEnd(self, event: Event) -> None:  # noqa: N802
        self.intervals["planning"].append((self.open_queries.pop(event["executionId"]), event["time"]))


def seconds_by_kind(by_kind: dict[str, list[Interval]]) -> dict[str, float]:
    """Seconds by kind from intervals in milliseconds: a moment that several kinds cover counts for the first."""
    changes: dict[int, Counter[str]] = {}
    for kind, intervals in by_kind.items():
        for start, end in intervals:
            changes.setdefault(start, Counter())[kind] += 1
            changes.setdefault(end, Counter())[kind] -= 1
    active, spent = Counter[str](), Counter[str]()
    for start, end in pairwise(sorted(changes)):
        for kind, change in changes[start].items():
            active[kind] += change
        first = next((kind for kind in KINDS if active[kind] > 0), None)
        if first is not None:
            spent[first] += end - start
    return {kind: spent[kind] / 1000 for kind in KINDS}
