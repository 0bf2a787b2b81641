import json
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest

from contracts.settings.hashes import settings_hash
from spark_jobs.night.ddl import read_schema
from spark_jobs.night.gate import checks, gate, suites
from spark_jobs.night.night import Night
from spark_jobs.night.run import failures
from spark_jobs.night.writers import merge_by_key
from tests.feed_rows import put

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


def fill(night: Night, names: list[str]) -> None:
    rows = [(n, 1, name, NOON, NOON, f"event {n}") for n, name in enumerate(names)]
    merge_by_key(night.lake, "silver.pages", night.spark.createDataFrame(rows, read_schema("silver.pages")), None)


@pytest.fixture
def suite(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    monkeypatch.setattr(suites, "ROOT", tmp_path)
    monkeypatch.setattr(checks, "ROOT", tmp_path)

    def write(*expectations: dict[str, object]) -> None:
        path = tmp_path / "expectations" / "silver" / "pages.json"
        path.parent.mkdir(parents=True)
        path.write_text(json.dumps({"table": "silver.pages", "expectations": expectations}))

    return write


def length(severity: str, longest: int) -> dict[str, object]:
    kwargs = {"column": "name", "min_value": 1, "max_value": longest}
    return {"type": "expect_column_value_lengths_to_be_between", "kwargs": kwargs, "severity": severity, "why": "fits"}


def test_a_critical_failure_blocks_and_names_table_rule_and_rows(
    make_night: Callable[..., Night], suite: Callable[..., None]
) -> None:
    night = make_night()
    fill(night, ["short", "much too long", "also too long"])
    suite(length("critical", 8))
    verdict = gate.run_gate(night, "silver.pages")
    assert not verdict["success"]
    assert failures(verdict) == [
        (
            "critical: silver.pages column_value_lengths_to_be_between(name): "
            "2 of 3 rows break it, for example much too long, also too long"
        )
    ]
    assert json.loads((night.folder / "verdicts" / "silver.pages.json").read_text()) == verdict


def test_a_warning_reports_but_passes(make_night: Callable[..., Night], suite: Callable[..., None]) -> None:
    night = make_night()
    fill(night, ["short", "much too long"])
    suite(length("warning", 8), length("critical", 50))
    verdict = gate.run_gate(night, "silver.pages")
    assert verdict["success"]
    assert verdict["settings"] == settings_hash(night.settings)
    assert (verdict["rows"], verdict["rows_checked"]) == (2, 2)
    assert [result["success"] for result in verdict["results"]] == [True, False, True]


def test_rows_are_those_written_tonight_and_the_gate_checks_all(
    make_night: Callable[..., Night], suite: Callable[..., None]
) -> None:
    night = make_night()
    fill(night, ["a", "b"])
    before = night.lake.last_version("silver.pages")
    suite()
    again = gate.run_gate(night, "silver.pages", before)
    assert (again["rows"], again["rows_checked"]) == (0, 2)
    fill(night, ["a", "b", "c"])
    verdict = gate.run_gate(night, "silver.pages", before)
    assert (verdict["rows"], verdict["rows_checked"]) == (1, 3)


def test_a_repeated_key_is_critical(make_night: Callable[..., Night], suite: Callable[..., None]) -> None:
    night = make_night()
    rows = [(1, 1, "a", NOON, NOON, "event a"), (1, 2, "b", NOON, NOON, "event b")]
    merge_by_key(night.lake, "silver.pages", night.spark.createDataFrame(rows, read_schema("silver.pages")), None)
    suite()
    assert failures(gate.run_gate(night, "silver.pages")) == [
        "critical: silver.pages grain(page_id): 1 of 2 rows repeat a key (page_id)"
    ]


@pytest.mark.parametrize("value", [float("nan"), float("inf"), -float("inf")])
def test_what_is_no_number_is_critical_whatever_the_suite_says(
    make_night: Callable[..., Night], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, value: float
) -> None:
    monkeypatch.setattr(gate, "load_suite", lambda _: [])
    monkeypatch.setattr(checks, "ROOT", tmp_path)
    night = make_night()
    names = ("examined", "low", "high")
    rows = [{"surface": "feed", "position": position, "ds": night.ds} for position in (1, 2, 3)]
    wrong: list[dict[str, float]] = [{}, {"examined": value}, {"high": value}]
    put(
        night.lake,
        "gold.propensities",
        [row | dict.fromkeys(names, 0.5) | w for row, w in zip(rows, wrong, strict=True)],
    )
    assert failures(gate.run_gate(night, "gold.propensities")) == [
        "critical: gold.propensities finite_numbers: 2 of 3 rows break it, in examined, high"
    ]


def test_cross_checks_return_the_rows_that_break_them(
    make_night: Callable[..., Night], suite: Callable[..., None], tmp_path: Path
) -> None:
    night = make_night()
    fill(night, ["a"])
    suite()
    checks = tmp_path / "sql" / "silver" / "pages" / "checks.sql"
    checks.parent.mkdir(parents=True)
    checks.write_text(
        "-- check: has_owner critical\nSELECT page_id FROM silver_pages p "
        "ANTI JOIN silver_users u ON u.user_id = p.owner_id WHERE :ds IS NOT NULL;\n"
    )
    assert failures(gate.run_gate(night, "silver.pages")) == [
        "critical: silver.pages has_owner: 1 rows break it, for example [{'page_id': 0}]"
    ]


def test_a_missing_suite_is_named(make_night: Callable[..., Night], suite: Callable[..., None]) -> None:
    night = make_night()
    fill(night, ["a"])
    del suite
    with pytest.raises(ValueError, match=r"expectations/silver/pages\.json is missing"):
        gate.run_gate(night, "silver.pages")
