"""One name per table everywhere: its job, DDL, suite and asset."""

import re
from pathlib import Path

import pytest

from contracts.pipeline import BESIDE_THE_NIGHT, BY_NAME, STAGES, TABLES, report_of, tables_of
from contracts.pipeline.reports import REPORTS
from contracts.settings import Dataset, parse_dataset

ROOT = Path(__file__).resolve().parents[2]
WAITS = "silver.arrivals"
"""It waits for its inputs and reads none of them."""


def test_every_table_has_its_job_ddl_and_suite() -> None:
    for table in BY_NAME.values():
        assert (ROOT / f"{table.job.replace('.', '/')}.py").exists(), table.full_name
        ddl = ROOT / "sql" / table.layer / table.name / "ddl.sql"
        assert ddl.read_text().startswith("-- grain: "), table.full_name
        assert f"CREATE TABLE {table.full_name} (" in ddl.read_text()
        assert (ROOT / "expectations" / table.layer / f"{table.name}.json").exists(), table.full_name


def test_no_ddl_or_suite_is_left_without_a_table() -> None:
    found = {f"{path.parent.parent.name}.{path.parent.name}" for path in (ROOT / "sql").glob("*/*/ddl.sql")}
    suites = {f"{path.parent.name}.{path.stem}" for path in (ROOT / "expectations").glob("*/*.json")}
    assert found == suites == set(BY_NAME)


def test_inputs_are_written_before_they_are_read() -> None:
    written: dict[str, set[str]] = {}
    beside = {table.full_name for table in BESIDE_THE_NIGHT}
    for stage, waits_for in STAGES.items():
        written[stage] = beside.union(*(written[earlier] for earlier in waits_for))
        for table in tables_of(stage):
            assert set(table.inputs) <= written[stage], table.full_name
            written[stage].add(table.full_name)
        report = report_of(stage)
        assert report is None or set(report.inputs) <= written[stage], stage


def test_every_stage_writes_tables_or_a_report() -> None:
    assert {stage for stage in STAGES if not tables_of(stage)} == {report.stage for report in REPORTS}
    for report in REPORTS:
        assert (ROOT / f"{report.job.replace('.', '/')}.py").exists(), report.stage
        assert report.readable <= BY_NAME.keys(), report.stage


def test_an_unknown_stage_is_named() -> None:
    with pytest.raises(ValueError, match="unknown stage 'cook'"):
        tables_of("cook")


def test_dataset_settings_are_checked_by_name_and_type() -> None:
    assert parse_dataset('{"name": "x", "max_quarantined_share": 1}') == Dataset(name="x", max_quarantined_share=1)
    with pytest.raises(ValueError, match="unknown key 'trainin_days'"):
        parse_dataset('{"trainin_days": 3}')
    with pytest.raises(ValueError, match=r'dataset\.json: training_days = "3": allowed is a whole number'):
        parse_dataset('{"training_days": "3"}')
    with pytest.raises(ValueError, match=r"training_days \(2\) must exceed"):
        parse_dataset('{"training_days": 2}')


def rows_of_the_readme() -> list[tuple[list[str], list[str], list[str]]]:
    """Tables, writers and readers of each row of README's table of tables."""
    found = []
    for line in (ROOT / "README.md").read_text().splitlines():
        if re.match(r"\| `(?:bronze|silver|gold)\.", line):
            tables, _, writers, readers = line.strip("| ").split(" | ")
            found.append((re.findall(r"`([\w.]+)`", tables), writers.split(", "), readers.split(", ")))
    return found


def test_the_readme_says_who_writes_and_reads_each_table() -> None:
    rows = rows_of_the_readme()
    assert sorted(name for tables, _, _ in rows for name in tables) == sorted(BY_NAME)
    outputs = [(table.stage, table.readable - {table.full_name}) for table in TABLES if table.full_name != WAITS]
    outputs += [(report.stage, report.readable) for report in REPORTS]
    for tables, writers, readers in rows:
        for name in tables:
            declared = {stage for stage, readable in outputs if name in readable}
            own = BY_NAME[name].stage
            assert writers[0] == own, name
            assert declared <= set(readers), name
            assert set(readers) & STAGES.keys() <= declared | {own}, name
            assert set(readers) <= {*STAGES, "people"}, name
            assert [*filter(set(readers).__contains__, (*STAGES, "people"))] == readers, name
