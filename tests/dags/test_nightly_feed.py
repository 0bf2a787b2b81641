"""Runs in the Airflow environment: ``.venv/airflow/bin/python -m pytest tests/dags``."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from contracts.pipeline.table import Table
from contracts.run_files import RunFiles
from storage import open_folder

pytest.importorskip("airflow", reason="needs the Airflow environment")

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module", autouse=True)
def airflow_home(tmp_path_factory: pytest.TempPathFactory) -> None:
    os.environ.setdefault("AIRFLOW_HOME", str(tmp_path_factory.mktemp("airflow")))
    os.environ["AIRFLOW__CORE__LOAD_EXAMPLES"] = "False"


def earlier_task(table: Table) -> str:
    return f"{table.stage}.validate_{table.full_name.replace('.', '_')}"


def test_every_stage_waits_for_the_validated_tables_of_those_before() -> None:
    from contracts.pipeline import STAGES, tables_of
    from dags.nightly_feed import dag

    for stage, waits_for in STAGES.items():
        upstream = dag.get_task(f"{stage}.run").get_flat_relative_ids(upstream=True)
        for earlier in waits_for:
            assert f"{earlier}.run" in upstream
        for table in (table for earlier in waits_for for table in tables_of(earlier)):
            assert earlier_task(table) in upstream
            assert [outlet.name for outlet in dag.get_task(earlier_task(table)).outlets] == [table.full_name]
    assert dag.get_task("publish.run").pool == "publish"
    assert dag.get_task("report").is_teardown
    assert not dag.get_task("report").on_failure_fail_dagrun
    assert dag.max_active_runs == 1
    assert dag.default_args["retries"] == 1
    assert (dag.get_task("preflight.run").retries, dag.get_task("clean.run").retries) == (0, 1)


def test_every_stage_of_a_night_uses_the_runs_settings() -> None:
    from contracts.pipeline import STAGES
    from dags.erase_person import dag as erase_person
    from dags.nightly_feed import dag

    assert dag.params["settings"] == os.environ.get("FEEDLAKE_SETTINGS", "")
    for stage in STAGES:
        assert dag.get_task(f"{stage}.run").env_vars["FEEDLAKE_SETTINGS"] == "{{ params.settings }}"
    assert "env_vars" in dag.get_task("ingest.run").template_fields
    for name in ("erase", "prove"):
        assert erase_person.get_task(name).env_vars["FEEDLAKE_SETTINGS"] == os.environ.get("FEEDLAKE_SETTINGS", "")


def test_every_job_that_a_task_submits_is_there() -> None:
    from dags.erase_person import dag as erase_person
    from dags.fresh import dag as fresh
    from dags.nightly_feed import dag

    graphs = (dag, erase_person, fresh)
    jobs = {task.application for graph in graphs for task in graph.tasks if hasattr(task, "application")}
    assert len(jobs) == 4, "the runner of stages, the erasure, its proof, and a pass of fresh"
    for job in jobs:
        assert Path(job).is_file(), job


def test_parsing_imports_no_heavy_package() -> None:
    script = (
        "import dags.erase_person, dags.fresh, dags.nightly_feed, sys; "
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
    assert set(bag.dags) == {"erase_person", "fresh", "nightly_feed", "rollback_epoch"}


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


def test_a_rejected_model_is_a_warning_of_its_task_and_the_night_goes_on(tmp_path: Path) -> None:
    from dags.feedlake_tasks import read_verdict
    from dags.nightly_feed import dag

    folder = tmp_path / "2026-03-08" / "verdicts"
    folder.mkdir(parents=True)
    message = "1 rows break it, for example [{'verdict': 'rejected', 'reason': 'model 1 is rejected: clearly worse'}]"
    rule = {"expectation": "the_new_model_serves", "column": None, "severity": "warning", "success": False}
    content = {"table": "gold.promotions", "success": True, "rows": 1, "results": [{**rule, "message": message}]}
    (folder / "gold.promotions.json").write_text(json.dumps(content))
    (warning,) = read_verdict(tmp_path, "2026-03-08", "gold.promotions")["warnings"]
    assert warning.startswith("warning: gold.promotions the_new_model_serves")
    assert "model 1 is rejected: clearly worse" in warning
    before = dag.get_task("score.run").get_flat_relative_ids(upstream=True)
    assert {"train.run", "promote.run", "promote.validate_gold_promotions"} <= before


def test_the_tab_of_a_run_shows_the_report_that_its_last_task_wrote(tmp_path: Path) -> None:
    from fastapi.testclient import TestClient

    from dags.feedlake_places import REPORTS
    from dags.feedlake_tasks import report
    from dags.plugins import run_report

    assert str(run_report.REPORTS.place) == REPORTS == report().env["REPORTS"]
    reports, runs = open_folder(tmp_path / "reports"), open_folder(tmp_path / "runs")
    RunFiles.of(runs, "2026-03-08").write_report("<h1>night</h1>")
    run_id = "manual__2026-03-08T02:00:00+00:00"
    env = {"PYTHON": "echo", "RUNS": "r", "DS": "d", "REPORTS": "s3://b/reports", "RUN_ID": run_id}
    command = ["bash", "-c", str(report().bash_command)]
    told = subprocess.run(command, env={**os.environ, **env}, check=True, capture_output=True, text=True).stdout
    assert told.split()[2:] == ["--runs", "r", "--ds", "d", "--reports", "s3://b/reports", "--run", run_id]
    reports.write(run_id, RunFiles.of(runs, "2026-03-08").report.encode())
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(run_report, "REPORTS", reports)
        client = TestClient(run_report.app)
        assert client.get(f"/{run_id}").text == "<h1>night</h1>"
        assert client.get("/manual__other").status_code == 404
