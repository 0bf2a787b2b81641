"""Runs in the Airflow environment: ``.venv/airflow/bin/python -m pytest tests/dags``."""

import itertools
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("airflow", reason="needs the Airflow environment")

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module", autouse=True)
def airflow_home(tmp_path_factory: pytest.TempPathFactory) -> None:
    os.environ.setdefault("AIRFLOW_HOME", str(tmp_path_factory.mktemp("airflow")))
    os.environ["AIRFLOW__CORE__LOAD_EXAMPLES"] = "False"


def test_every_stage_runs_in_order_and_every_table_is_validated() -> None:
    from contracts.pipeline import STAGES, TABLES
    from dags.nightly_feed import dag

    for before, after in itertools.pairwise(STAGES):
        upstream = dag.get_task(f"{after}.run").get_flat_relative_ids(upstream=True)
        assert f"{before}.run" in upstream
    for table in TABLES:
        task = dag.get_task(f"{table.stage}.validate_{table.full_name.replace('.', '_')}")
        assert [outlet.name for outlet in task.outlets] == [table.full_name]
        later = STAGES[STAGES.index(table.stage) + 1]
        assert task.task_id in dag.get_task(f"{later}.run").get_flat_relative_ids(upstream=True)
    assert dag.get_task("publish.run").pool == "publish"
    assert dag.get_task("report").trigger_rule == "all_done"
    assert dag.max_active_runs == 1
    assert dag.default_args["retries"] == 1


def test_parsing_imports_no_heavy_package() -> None:
    script = (
        "import dags.nightly_feed, sys; "
        "print([name for name in ('pyspark', 'torch', 'great_expectations', 'numpy.linalg') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=True)
    found = done.stdout.strip().splitlines()[-1]
    assert "pyspark" not in found
    assert "torch" not in found
    assert "great_expectations" not in found


def test_the_dag_folder_holds_no_unknown_dag() -> None:
    from airflow.dag_processing.dagbag import DagBag

    bag = DagBag(str(ROOT / "dags"))
    assert bag.import_errors == {}
    assert set(bag.dags) == {"nightly_feed"}


def verdict(runs: Path, *, success: bool) -> None:
    folder = runs / "2026-03-08" / "verdicts"
    folder.mkdir(parents=True)
    rule = {"expectation": "column_values_to_be_between", "column": "position", "severity": "critical"}
    result = {**rule, "success": success, "message": "3 of 9 rows break it, for example 0"}
    content = {"table": "silver.posts", "success": success, "rows": 9, "results": [result]}
    (folder / "silver.posts.json").write_text(json.dumps(content))


def test_a_failed_verdict_names_table_rule_and_rows(tmp_path: Path) -> None:
    from airflow.sdk.exceptions import AirflowFailException

    from dags.feedlake_tasks import read_verdict

    verdict(tmp_path, success=False)
    with pytest.raises(AirflowFailException, match=r"silver\.posts column_values_to_be_between\(position\): 3 of 9"):
        read_verdict(tmp_path, "2026-03-08", "silver.posts")
    with pytest.raises(AirflowFailException, match=r"silver\.users has no verdict"):
        read_verdict(tmp_path, "2026-03-08", "silver.users")


def test_a_passed_verdict_gives_rows(tmp_path: Path) -> None:
    from dags.feedlake_tasks import read_verdict

    verdict(tmp_path, success=True)
    assert read_verdict(tmp_path, "2026-03-08", "silver.posts") == {"rows": 9, "warnings": []}
