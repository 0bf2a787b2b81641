"""docs/bring-your-own-data.md: its CSV, converted by its example, is accepted line by line."""

import csv
import re
import subprocess
import sys
from pathlib import Path

import pytest
from pyspark.sql import SparkSession

from contracts.pipeline import tables_of
from spark_jobs.night.lake import Lake
from spark_jobs.night.night import Night, load_settings, newest_day
from spark_jobs.night.run import run_job
from spark_jobs.validate.validate_landing import main

DOCS = Path(__file__).resolve().parents[2] / "docs"


@pytest.mark.slow
def test_own_data(spark: SparkSession, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    found = re.search(r"```csv\n(.*?)```", (DOCS / "bring-your-own-data.md").read_text(), re.DOTALL)
    assert found is not None
    table = tmp_path / "interactions.csv"
    table.write_text(found[1])
    example = DOCS / "examples" / "csv_to_landing.py"
    command = [sys.executable, str(example), str(table), str(tmp_path / "landing")]
    subprocess.run(command, check=True)
    assert len(example.read_text().splitlines()) < 120
    landing = str(tmp_path / "landing")
    assert main(["--landing", landing]) == 0
    assert re.search(r"14 lines of \d+ files?: 14 accepted, 0 refused", capsys.readouterr().out)
    night = Night(Lake(spark, str(tmp_path / "lake")), newest_day(landing), landing, tmp_path, load_settings(landing))
    for built in (*tables_of("ingest"), *tables_of("clean")):
        run_job(night, built)
    rows = {built.full_name: night.read(built.full_name).count() for built in tables_of("clean")}
    people = {row[name] for row in csv.DictReader(table.open()) for name in ("user", "author")}
    assert rows["silver.users"] == len(people) == 4
    assert (rows["silver.posts"], rows["silver.engagements"], rows["silver.page_follows"]) == (2, 3, 3)


@pytest.mark.parametrize(
    ("row", "told"),
    [
        ("ana,soup,bo,clap,2026-03-01T08:15:00Z", "action 'clap' is not one of like, upvote, .*; add it to ACTIONS"),
        ("ana,soup,,like,2026-03-01T08:15:00Z", "no author; a row has user, item, author, action, time"),
        ("ana,soup,bo,like,yesterday", "time 'yesterday' is not ISO 8601"),
    ],
)
def test_a_row_that_says_too_little_is_told_by_file_and_line(tmp_path: Path, row: str, told: str) -> None:
    table = tmp_path / "rows.csv"
    table.write_text(f"user,item,author,action,time\nana,soup,bo,like,2026-03-01T08:15:00\n{row}\n")
    command = [sys.executable, str(DOCS / "examples" / "csv_to_landing.py"), str(table), str(tmp_path / "landing")]
    done = subprocess.run(command, check=False, capture_output=True, text=True)
    assert done.returncode == 1
    assert re.fullmatch(rf"{re.escape(str(table))}:3: {told}.*\n", done.stderr), done.stderr
    assert not (tmp_path / "landing").exists()
