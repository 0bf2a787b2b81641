"""Which folders ``make demo`` accepts, and what it reports about a stopped night."""

import re
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, cast

import pytest

from contracts.run_files import RunFiles
from infra.demo import broken_rules, check_day, choose_source, of_day, reasons

if TYPE_CHECKING:
    from contracts.run_records import TableVerdict


def test_a_folder_is_a_dump_or_a_landing_area(tmp_path: Path) -> None:
    dump, landing = tmp_path / "dump", tmp_path / "my data"
    dump.mkdir()
    (dump / "Posts.xml").touch()
    for day in ("2026-03-01", "2026-03-02", "_building"):
        (landing / day).mkdir(parents=True)
    assert choose_source(100, 8, dump).job[0] == "spark_jobs/adapt/stackexchange.py"
    source = choose_source(100, 8, landing)
    assert (source.landing, source.job, source.ds) == (landing, [], "2026-03-02")
    assert re.fullmatch("my-data-[0-9a-f]{8}", source.name)
    with pytest.raises(SystemExit, match=r"neither Posts\.xml .* nor folders named YYYY-MM-DD"):
        choose_source(100, 8, tmp_path)


def test_without_data_the_network_is_simulated() -> None:
    source = choose_source(300, 2, None)
    assert source.name == "simulated-300-2"
    assert source.job[1:5] == ["--users", "300", "--days", "2"]


def test_a_stopped_night_names_table_rule_and_rows(tmp_path: Path) -> None:
    results = [
        {"severity": "critical", "success": False, "expectation": "grain", "column": "a", "message": "3 of 9 rows"},
        {"severity": "critical", "success": True, "expectation": "grain", "column": "b", "message": "holds"},
        {"severity": "warning", "success": False, "expectation": "grain", "column": "c", "message": "1 of 9 rows"},
    ]
    files = RunFiles(tmp_path)
    files.verdict("silver.posts").write(cast("TableVerdict", {"table": "silver.posts", "results": results}))
    assert broken_rules(files) == ["  silver.posts grain(a): 3 of 9 rows"]
    assert broken_rules(files, "silver.users") == []


def test_any_day_is_a_night_with_a_lake_of_its_own(tmp_path: Path) -> None:
    landing = tmp_path / "data"
    for day in ("2026-03-01", "2026-03-05"):
        (landing / day).mkdir(parents=True)
    newest = choose_source(100, 8, landing)
    older, between = (of_day(newest, date(2026, 3, day)) for day in (1, 3))
    assert [source.ds for source in (of_day(newest, None), older, between)] == [
        "2026-03-05",
        "2026-03-01",
        "2026-03-03",
    ]
    assert len({source.folder for source in (newest, older, between)}) == 3
    assert older.landing == landing, "the landing area is shared"
    for source in (newest, older, between):
        check_day(source)
    with pytest.raises(SystemExit, match=r"nothing has landed by 2026-02-28: the first day of .* is 2026-03-01"):
        check_day(of_day(newest, date(2026, 2, 28)))


class Logs:
    """Stands in for Airflow: what the log of a task ends with."""

    def reason(self, run_id: str, task_id: str, attempt: int) -> list[str]:
        return [f"{run_id} {task_id} {attempt}"]


def test_every_failed_task_of_a_stopped_night_has_its_reason(tmp_path: Path) -> None:
    broken = {"severity": "critical", "success": False, "expectation": "grain", "column": "a", "message": "3 of 9 rows"}
    files = RunFiles(tmp_path)
    files.verdict("silver.page_follows").write(
        cast("TableVerdict", {"table": "silver.page_follows", "results": [broken]})
    )
    tasks = [
        {"task_id": "train.run", "state": "failed", "end_date": "2", "try_number": 2},
        {"task_id": "clean.validate_silver_page_follows", "state": "failed", "end_date": "1", "try_number": 1},
        {"task_id": "clean.validate_silver_users", "state": "failed", "end_date": "3", "try_number": 1},
        {"task_id": "score.run", "state": "upstream_failed", "end_date": None, "try_number": 0},
        {"task_id": "ingest.run", "state": "success", "end_date": "0", "try_number": 1},
    ]
    assert reasons(Logs(), "night", tasks, files) == [  # type: ignore[arg-type]
        "clean.validate_silver_page_follows failed:",
        "  silver.page_follows grain(a): 3 of 9 rows",
        "train.run failed:",
        "  night train.run 2",
        "clean.validate_silver_users failed:",
        "  night clean.validate_silver_users 1",
    ]
