"""The loop continues where it stopped, and prints each day in one line."""

import json
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest

from infra import demo, loop, services
from infra.demo import Source

RESPONSE = {
    "num_impressions": 9312,
    "engagement_rate": 0.1612,
    "true_rate": {"ranked": 0.1604, "chronological": 0.109, "random": 0.081, "best": 0.24},
}


def figures(day: str, response: dict[str, Any] | None = None) -> dict[str, Any]:
    told = {"day": day, "epoch": 2, "ndcg": {"ranker": 0.6104}, "expected": None, "response": response}
    return told | {"seconds": 141.6}


def test_a_day_in_one_line() -> None:
    assert loop.line_of(figures("2026-03-09", RESPONSE)) == (
        "2026-03-09  9,312 shown · 16.1% engaged · true 16.0% (newest first 10.9%, at random 8.1%, best 24.0%) · "
        "NDCG@10 0.610 · epoch 2 · 142 s"
    )
    assert loop.line_of(figures("2026-03-08")) == "2026-03-08  history · NDCG@10 0.610 · epoch 2 · 142 s"
    expected = {"expected": {"value": 0.151, "low": 0.14, "high": 0.162, "warnings": []}}
    assert loop.line_of(figures("2026-03-08") | expected) == (
        "2026-03-08  history · NDCG@10 0.610 · tomorrow 15.1% [14.0%, 16.2%] · epoch 2 · 142 s"
    )
    expected["expected"]["warnings"] = ["few"]
    assert "[14.0%, 16.2%], in doubt · " in loop.line_of(figures("2026-03-08") | expected)
    assert loop.line_of(figures("2026-03-08") | {"ndcg": {}}) == "2026-03-08  history · epoch 2 · 142 s"


def test_the_loop_has_a_data_set_of_its_own() -> None:
    assert loop.loop_source(400).name == "loop-400"
    assert loop.loop_source(400).job[1:5] == ["--users", "400", "--days", "8"]
    assert loop.loop_source(400).landing != demo.choose_source(400, 8, None).landing


@pytest.fixture
def ran(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Days that were run, with everything around them left out; ``runs`` lies under ``tmp_path``."""
    days: list[str] = []

    def run_day(source: Source, ds: date, redis_url: str) -> dict[str, Any]:
        assert (source.name, redis_url) == ("loop-300", "redis://host/0")
        days.append(ds.isoformat())
        return figures(ds.isoformat(), None if ds == date(2026, 3, 8) else RESPONSE)

    for module in (demo, services):
        monkeypatch.setattr(module, "RUN", tmp_path)
    monkeypatch.setattr("infra.services.start_redis", lambda: "redis://host")
    for name in ("infra.services.start_spark", "infra.loop.fill_landing", "subprocess.run"):
        monkeypatch.setattr(name, lambda *_, **__: None)
    monkeypatch.setattr(loop, "run_day", run_day)
    return days


def test_it_continues_at_the_day_it_was_in(ran: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    runs = tmp_path / "data" / "loop-300" / "runs"
    for day in ("2026-03-08", "2026-03-09", "2026-03-10"):
        (runs / day).mkdir(parents=True)
    for day in ("2026-03-08", "2026-03-09"):
        (runs / day / "loop.json").write_text(json.dumps(figures(day)))
    assert loop.run(300, 3) == 0
    assert ran == ["2026-03-10", "2026-03-11"]
    printed = capsys.readouterr().out
    assert [line[:10] for line in printed.splitlines() if "epoch" in line] == [
        f"2026-03-{day:02}" for day in (8, 9, 10, 11)
    ]


def test_one_loop_of_a_network_runs_at_a_time(tmp_path: Path) -> None:
    with loop.hold(tmp_path), pytest.raises(SystemExit, match="a loop is running in"):
        loop.hold(tmp_path)
    loop.hold(tmp_path).close()


def test_days_must_be_some(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr("sys.argv", ["loop", "--days", "0"])
    with pytest.raises(SystemExit):
        loop.main()
    assert "--days must be at least 1; it is 0" in capsys.readouterr().err


def test_figures_of_a_day_come_from_what_its_jobs_wrote(ran: list[str], tmp_path: Path) -> None:
    runs = tmp_path / "data" / "loop-300" / "runs" / "2026-03-09"
    runs.mkdir(parents=True)
    (runs / "publish.json").write_text(json.dumps({"epoch": 2}))
    (runs / "metrics.json").write_text(json.dumps({"metrics": {"ndcg@10": {"ranker": {"mean": 0.6104}}}}))
    told = loop.figures_of(loop.loop_source(300), date(2026, 3, 9), 141.62)
    assert told == figures("2026-03-09")
    (runs / "response.json").write_text(json.dumps(RESPONSE))
    told = loop.figures_of(loop.loop_source(300), date(2026, 3, 9), 141.62)
    assert told == figures("2026-03-09", RESPONSE)
    assert ran == []


def test_stages_are_told_once_and_those_of_an_earlier_run_never(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "stages").mkdir()
    record = tmp_path / "stages" / "clean.json"
    record.write_text(json.dumps({"started_at": "2026-03-09T02:00:00+00:00", "seconds": 12.34}))
    at = datetime(2026, 3, 9, 2, tzinfo=UTC).timestamp() + 12.34
    seen: set[str] = set()
    loop.show_stages(tmp_path, at + 1, seen)
    assert capsys.readouterr().out == ""
    for _ in range(2):
        loop.show_stages(tmp_path, at - 1, seen)
    assert capsys.readouterr().out.endswith("clean (12.3 s)\n")
    assert seen == {"clean"}
