"""The tables of a stage: those that do not read each other are built side by side, the others wait."""

import importlib
import threading
import time
from datetime import date
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from contracts.pipeline import BY_NAME, tables_of
from contracts.settings import Settings
from spark_jobs.night import run
from spark_jobs.night.lake import Lake
from spark_jobs.night.night import Night

CLEAN = [table.full_name for table in tables_of("clean")]


class Jobs:
    """Stands in for the jobs of the clean stage: notes begins and ends; ``failing`` raises, ``pairs`` need company."""

    def __init__(self, failing: str = "", pair: frozenset[str] = frozenset()) -> None:
        self.events: list[tuple[str, str]] = []
        self.failing, self.pair = failing, pair
        self.sized_for: list[int] = []
        self.company = threading.Barrier(2, timeout=10)

    def job(self, module: str) -> SimpleNamespace:
        name = f"silver.{module.rsplit('.', 1)[1]}"

        def main(_: Night) -> None:
            self.events.append(("begin", name))
            time.sleep(0.02)  # long enough for a table that does not wait to begin
            if name == self.failing:
                raise ValueError(f"{name} cannot be built")
            if name in self.pair:
                self.company.wait()
            self.events.append(("end", name))

        return SimpleNamespace(main=main)

    def gate(self, _: Night, name: str, since: int) -> dict[str, Any]:
        assert since == len(name), "rows are counted from the version that stood before the stage"
        self.events.append(("gate", name))
        return {"table": name, "rows": 1, "rows_checked": 7, "seconds": 0.5, "results": [], "success": True}


class LengthsLake(Lake):
    """A lake without tables: a table's bytes and version are the length of its name."""

    def num_bytes(self, name: str) -> int:
        return len(name)

    def last_version(self, name: str) -> int:
        return len(name)


def install(monkeypatch: pytest.MonkeyPatch, jobs: Jobs) -> None:
    monkeypatch.setattr(run, "importlib", SimpleNamespace(**vars(importlib) | {"import_module": jobs.job}))
    monkeypatch.setattr(run, "run_gate", jobs.gate)
    monkeypatch.setattr(run, "peak_memory_mb", lambda: 1.0)
    monkeypatch.setattr(run, "size_shuffles", lambda _, num_bytes: jobs.sized_for.append(num_bytes))


@pytest.fixture
def night(tmp_path: Path) -> Night:
    return Night(LengthsLake(None, "no lake"), date(2026, 3, 8), "", tmp_path, Settings())  # type: ignore[arg-type]


def test_a_table_waits_for_those_it_reads_and_is_gated_after_it_was_built(
    monkeypatch: pytest.MonkeyPatch, night: Night
) -> None:
    jobs = Jobs()
    install(monkeypatch, jobs)
    verdicts = run.run_stage(night, "clean")
    inputs = {read for name in CLEAN for read in BY_NAME[name].inputs}
    assert jobs.sized_for == [sum(map(len, inputs))], "a stage's shuffles are sized by all that it reads"
    assert [verdict["table"] for verdict in verdicts] == CLEAN
    at = {event: place for place, event in enumerate(jobs.events)}
    for name in CLEAN:
        assert at["end", name] < at["gate", name]
        for read in set(BY_NAME[name].inputs) & set(CLEAN):
            assert at["end", read] < at["begin", name], f"{name} reads {read}"


def test_tables_that_do_not_read_each_other_are_built_side_by_side(
    monkeypatch: pytest.MonkeyPatch, night: Night
) -> None:
    install(monkeypatch, Jobs(pair=frozenset({"silver.impressions", "silver.engagements"})))
    assert len(run.run_stage(night, "clean")) == len(CLEAN), "each waited until the other was at work"


def test_what_reads_a_failed_table_is_not_built_and_the_failure_is_raised(
    monkeypatch: pytest.MonkeyPatch, night: Night
) -> None:
    jobs = Jobs(failing="silver.pages")
    install(monkeypatch, jobs)
    with pytest.raises(ValueError, match=r"silver\.pages cannot be built"):
        run.run_stage(night, "clean")
    built = {name for kind, name in jobs.events if kind == "end"}
    assert "silver.users" in built
    assert not built & {"silver.page_follows", "silver.posts", "silver.impressions"}
    assert not (night.folder / "stages" / "clean.json").exists()
