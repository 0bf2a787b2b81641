"""What ``make demo`` takes a folder for, and says of a stopped night."""

import json
import re
from pathlib import Path

import pytest

from infra.demo import broken_rules, choose_source


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
    (tmp_path / "silver.posts.json").write_text(json.dumps({"table": "silver.posts", "results": results}))
    assert broken_rules(tmp_path) == ["  silver.posts grain(a): 3 of 9 rows"]
