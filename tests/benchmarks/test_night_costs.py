"""Costs of nights whose stages run in one JVM or each in its own."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from benchmarks import night_costs
from benchmarks.night_costs import Checkout, Cost, run_night

DS = "2026-03-08"
RECORDED = {"ingest": 10.0, "clean": 20.0}


class NoRedis:
    @staticmethod
    def from_url(_url: str) -> "NoRedis":
        return NoRedis()

    def save(self) -> None:
        pass


@pytest.fixture
def ran(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> list[list[str]]:
    """The stages of each submitted job; a job takes 35 seconds and 500 MB."""
    jobs: list[list[str]] = []

    def measure(job: list[str], _log: Path, _root: Path) -> tuple[float, float]:
        jobs.append([word for word in job if word in RECORDED])
        for stage in jobs[-1]:
            record = {"seconds": RECORDED[stage], "startup_seconds": 5.0}
            path = tmp_path / "runs" / DS / "stages" / f"{stage}.json"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(json.dumps(record))
        return 35.0, 500.0

    @contextmanager
    def no_redis(_folder: Path) -> Iterator[str]:
        yield "redis://nowhere"

    monkeypatch.setattr(night_costs, "measure", measure)
    monkeypatch.setattr(night_costs, "redis_server", no_redis)
    monkeypatch.setattr("redis.Redis", NoRedis)
    return jobs


def test_a_stage_of_its_own_jvm_costs_its_whole_process(ran: list[list[str]], tmp_path: Path) -> None:
    costs = run_night(Checkout(tmp_path, "run.py", ("ingest", "clean")), DS, tmp_path, "a night")
    assert ran == [["ingest"], ["clean"]]
    assert costs == {"ingest": Cost(35.0, 5.0, 500.0), "clean": Cost(35.0, 5.0, 500.0)}


def test_stages_of_one_jvm_cost_what_they_recorded_and_start_up_the_rest(ran: list[list[str]], tmp_path: Path) -> None:
    costs = run_night(Checkout(tmp_path, "run.py", ("ingest", "clean")), DS, tmp_path, "a night", one_jvm=True)
    assert ran == [["ingest", "clean"]]
    assert costs == {
        "ingest": Cost(10.0, 0.0, 500.0),
        "clean": Cost(20.0, 0.0, 500.0),
        "start-up": Cost(5.0, 5.0, 500.0),
    }
