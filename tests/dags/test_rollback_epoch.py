"""Runs in the Airflow environment: ``.venv/airflow/bin/python -m pytest tests/dags``."""

import os
import subprocess
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("airflow", reason="needs the Airflow environment")


@pytest.fixture(scope="module", autouse=True)
def airflow_home(tmp_path_factory: pytest.TempPathFactory) -> None:
    os.environ.setdefault("AIRFLOW_HOME", str(tmp_path_factory.mktemp("airflow")))
    os.environ["AIRFLOW__CORE__LOAD_EXAMPLES"] = "False"


def test_it_is_triggered_by_hand_and_waits_for_no_publish() -> None:
    from dags.rollback_epoch import dag

    (task,) = dag.tasks
    assert dag.schedule is None
    assert task.pool == "default_pool"
    assert task.env["REQUEST"] == "{{ run_id }}", "a task that runs again rolls back nothing more"


def test_who_and_why_must_be_given() -> None:
    from dags.rollback_epoch import dag

    with pytest.raises(Exception, match="reason"):
        dag.params.validate()
    params = dag.params
    for name in ("reason", "by"):
        with pytest.raises(ValueError, match=r"non-empty|too short"):
            params[name] = ""


def test_the_command_passes_every_word_as_it_is(tmp_path: Path) -> None:
    from dags.rollback_epoch import dag

    (task,) = dag.tasks
    said = tmp_path / "python"
    said.write_text('#!/bin/sh\nprintf "%s\\n" "$@"\n')
    said.chmod(0o755)
    words: dict[str, Any] = {"WHY": 'it\'s "$HOME"; rm', "BY": "ann b", "LAKE": "/a lake", "REDIS": "redis://r"}
    env = {**os.environ, **words, "REQUEST": "manual__1", "PYTHON": str(said), "FEEDLAKE_ROOT": str(tmp_path)}
    done = subprocess.run(["bash", "-c", task.bash_command], env=env, capture_output=True, text=True, check=True)
    told = done.stdout.splitlines()
    assert told[:2] == ["-m", "spark_jobs.publish.rollback"]
    assert dict(zip(told[2::2], told[3::2], strict=True)) == {
        "--lake": words["LAKE"],
        "--redis": words["REDIS"],
        "--why": words["WHY"],
        "--by": words["BY"],
        "--request": "manual__1",
    }
