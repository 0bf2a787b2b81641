import math
from pathlib import Path

import pytest

from contracts.pipeline import STAGES, TABLES
from contracts.run_files import RunFiles

ROOT = Path(__file__).resolve().parents[2]
ROOMS = ("spark_jobs", "models", "analysis", "dags", "infra", "serving", "benchmarks")


def test_a_file_is_written_whole_or_not_at_all(tmp_path: Path) -> None:
    file = RunFiles.of(tmp_path, "2026-03-08").metrics
    assert not file.exists()
    with pytest.raises(FileNotFoundError, match=r"2026-03-08/metrics\.json"):
        file.read()
    file.write({"a": 1})
    with pytest.raises(ValueError, match="JSON"):
        file.write({"a": 2, "b": math.nan})
    assert file.read() == {"a": 1}
    assert file.folder.files() == ["metrics.json"]
    file.remove()
    file.remove()
    assert not file.exists()


def test_verdicts_and_stages_are_those_that_were_written(tmp_path: Path) -> None:
    files = RunFiles(tmp_path)
    assert (list(files.verdicts()), files.stages()) == ([], [])
    for name in ("silver.posts", "gold.epochs"):
        files.verdict(name).write({"table": name})  # type: ignore[typeddict-item]
    assert [verdict["table"] for verdict in files.verdicts()] == ["gold.epochs", "silver.posts"]
    assert {files.verdict(table.full_name).stage for table in TABLES} <= set(STAGES)
    with pytest.raises(KeyError, match=r"silver\.nothing"):
        files.verdict("silver.nothing")


def test_nothing_else_names_a_file_of_a_night() -> None:
    files = RunFiles(Path("night"))
    single = (
        files.preflight,
        files.late_files,
        files.training(),
        files.promotion,
        files.metrics,
        files.policy,
        files.rerank,
        files.audit,
        files.difference,
        files.publish,
        files.loop,
    )
    names = {f'"{file.name}"' for file in single} | {'"verdicts"', '"stages"'}
    found = [
        f"{path.relative_to(ROOT)}: {name}"
        for room in ROOMS
        for path in sorted((ROOT / room).rglob("*.py"))
        for name in names
        if f"/ {name}" in path.read_text()
    ]
    assert found == []
