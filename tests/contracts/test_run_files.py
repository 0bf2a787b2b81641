import ast
import math
import re
from pathlib import Path

import pytest

from contracts.pipeline import STAGES, TABLES
from contracts.places import Place
from contracts.run_files import REPORT, RunFile, RunFiles, night_of_report, nights

ROOT = Path(__file__).resolve().parents[2]
CONTRACT = ROOT / "contracts" / "run_files.py"
ROOMS = (
    "contracts",
    "storage",
    "analysis",
    "models",
    "spark_jobs",
    "serving",
    "replay",
    "dags",
    "infra",
    "benchmarks",
)


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


def test_nights_are_the_folders_named_by_a_day(tmp_path: Path) -> None:
    for name in ("2026-03-09", "2026-03-08", "models"):
        RunFiles.of(tmp_path, name).loop.write({"day": name})
    assert [night.loop.read()["day"] for night in nights(tmp_path)] == ["2026-03-08", "2026-03-09"]


def test_a_report_is_found_from_its_location(tmp_path: Path) -> None:
    night = RunFiles.of(tmp_path, "2026-03-08")
    night.write_report("<h1>night</h1>")
    assert RunFiles(str(night_of_report(night.report))).read_report() == "<h1>night</h1>"
    assert night_of_report("s3://runs/2026-03-08/report.html") == Place("s3", "runs/2026-03-08")


def names_of_files() -> set[str]:
    """The file names of the contract that no other part of a path determines."""
    files = RunFiles(Path("night"))
    values = [getattr(files, name) for name, value in vars(RunFiles).items() if isinstance(value, property)]
    return {value.name for value in values if isinstance(value, RunFile)} | {REPORT, files.training().name}


def named_in(code: str) -> list[str]:
    """Files of a night that strings of ``code`` name, in any spelling; docstrings may name them."""
    names = "|".join(map(re.escape, sorted(names_of_files())))
    named = re.compile(
        rf"(?<![\w.-])(?:{names})(?![\w.])"  # a file of its own
        r"|(?<![\w.-])train\.(?:$|[{<])"  # the training of a role
        r"|(?:^|/)(?:verdicts|stages)(?:/|$)|(?:^|/)notes/"  # a file per table or stage
    )
    tree = ast.parse(code)
    docs = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    texts = [node.value for node in ast.walk(tree) if isinstance(node, ast.Constant) and id(node) not in docs]
    return [match[0] for text in texts if isinstance(text, str) for match in named.finditer(text)]


@pytest.mark.parametrize(
    "code",
    [
        'runs / ds / "metrics.json"',
        'runs.glob("????-??-??/loop.json")',
        'open(f"{runs}/{ds}/ads.json")',
        'folder.read("response.json")',
        'f"{runs}/{ds}/verdicts/{table}.json"',
        'folder.below("stages")',
        'f"train.{role}.json"',
        '"notes/" + table',
        'print("see <runs>/<day>/report.html")',
    ],
)
def test_every_spelling_of_a_name_is_found(code: str) -> None:
    assert len(named_in(code)) == 1


@pytest.mark.parametrize("code", ['TEMPLATE = "report.html.j2"', '"""Write ``ads.json``."""', 'preflight["notes"]'])
def test_what_names_no_file_is_not_found(code: str) -> None:
    assert named_in(code) == []


def test_only_the_contract_names_a_file_of_a_night() -> None:
    assert {"ads.json", "response.json", "loop.json", "report.html", "train.json"} <= names_of_files()
    paths = [path for room in ROOMS for path in sorted((ROOT / room).rglob("*.py")) if path != CONTRACT]
    assert [f"{path.relative_to(ROOT)}: {name}" for path in paths for name in named_in(path.read_text())] == []
