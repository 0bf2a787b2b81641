"""Seconds of an application by kind, from events made by hand."""

import json
from pathlib import Path

import pytest

from benchmarks.event_log import Event, profile, read_events

START = 1_000_000


def event(kind: str, **fields: object) -> Event:
    return {"Event": kind, **{name.replace("_", " "): value for name, value in fields.items()}}


def job(number: int, start_s: float, end_s: float, stage: int, description: str = "") -> list[Event]:
    properties = {"spark.job.description": description}
    return [
        event("SparkListenerJobStart", **{"Job ID": number, "Submission Time": at(start_s), "Stage IDs": [stage]})
        | {"Properties": properties},
        event("SparkListenerJobEnd", **{"Job ID": number, "Completion Time": at(end_s)}),
    ]


def task(stage: int, start_s: float, end_s: float, python_ms: int = 0) -> Event:
    metrics = [{"Name": "time to start Python workers", "Update": str(python_ms)}, {"Name": "duration", "Update": "7"}]
    info = {"Launch Time": at(start_s), "Finish Time": at(end_s), "Accumulables": metrics}
    return event("SparkListenerTaskEnd", **{"Stage ID": stage, "Task Info": info})


def query(number: int, start_s: float, end_s: float) -> list[Event]:
    package = "org.apache.spark.sql.execution.ui"
    return [
        {"Event": f"{package}.SparkListenerSQLExecutionStart", "executionId": number, "time": at(start_s)},
        {"Event": f"{package}.SparkListenerSQLExecutionEnd", "executionId": number, "time": at(end_s)},
    ]


def at(seconds: float) -> int:
    return START + int(seconds * 1000)


def events() -> list[Event]:
    """10 s: a query from 1 to 8, its job from 2 to 5 with tasks 2.5 to 4 and 3 to 4.5, one of Delta's from 6 to 7."""
    return [
        event("SparkListenerApplicationStart", Timestamp=START, App_Name="clean 2026-03-08"),
        *query(0, 1, 8),
        *job(0, 2, 5, stage=0),
        task(0, 2.5, 4, python_ms=300),
        task(0, 3, 4.5, python_ms=200),
        *job(1, 6, 7, stage=1, description="Delta: clean 2026-03-08: Filtering files for query"),
        task(1, 6, 7),
        event("SparkListenerApplicationEnd", Timestamp=at(10)),
    ]


def test_each_moment_counts_once_as_the_first_kind_that_is_true_of_it() -> None:
    profiled = profile(events())
    assert profiled.seconds == {"delta": 1.0, "tasks": 2.0, "scheduling": 1.0, "planning": 3.0, "driver": 3.0}
    assert sum(profiled.seconds.values()) == 10
    assert (profiled.name, profiled.num_jobs, profiled.num_tasks) == ("clean 2026-03-08", 2, 3)
    assert profiled.python_start_s == 0.5


def test_a_log_is_read_from_a_file_and_from_the_parts_of_one_that_rolls(tmp_path: Path) -> None:
    lines = [json.dumps(one) + "\n" for one in events()]
    (tmp_path / "whole").write_text("".join(lines))
    rolled = tmp_path / "eventlog_v2"
    rolled.mkdir()
    for number in range(11):  # the tenth part comes after the ninth
        (rolled / f"events_{number + 1}_app").write_text("".join(lines[number : number + 1]))
    assert read_events(tmp_path / "whole") == read_events(rolled) == events()


def test_a_compressed_log_is_refused_with_what_to_set(tmp_path: Path) -> None:
    (tmp_path / "log.zstd").write_bytes(b"\x28\xb5\x2f\xfd")
    with pytest.raises(ValueError, match=r"log\.zstd: no JSON lines.*spark\.eventLog\.compress=false"):
        read_events(tmp_path / "log.zstd")


def test_events_without_an_application_are_refused() -> None:
    with pytest.raises(ValueError, match="do not hold the start"):
        profile(events()[1:])
