"""Runs in the Airflow environment: ``.venv/airflow/bin/python -m pytest tests/dags``."""

import os

import pytest

pytest.importorskip("airflow", reason="needs the Airflow environment")


@pytest.fixture(scope="module", autouse=True)
def airflow_home(tmp_path_factory: pytest.TempPathFactory) -> None:
    os.environ.setdefault("AIRFLOW_HOME", str(tmp_path_factory.mktemp("airflow")))
    os.environ["AIRFLOW__CORE__LOAD_EXAMPLES"] = "False"


def test_one_pass_at_a_time_every_three_minutes_and_none_is_made_up_for() -> None:
    from dags.fresh import SCHEDULE, dag

    assert os.environ.get("FEEDLAKE_FRESH_SCHEDULE", "*/3 * * * *") == SCHEDULE
    assert (dag.max_active_runs, dag.catchup, dag.default_args["retries"]) == (1, False, 0)


def test_a_pass_waits_for_a_publish_and_an_erasure_and_reads_the_settings_of_its_run() -> None:
    from dags.erase_person import dag as erase_person
    from dags.fresh import dag
    from dags.nightly_feed import dag as nightly_feed

    (task,) = dag.tasks
    assert {task.pool, erase_person.get_task("erase").pool, nightly_feed.get_task("publish.run").pool} == {"publish"}
    assert task.env_vars["FEEDLAKE_SETTINGS"] == "{{ params.settings }}"
    assert task.application_args[::2] == ["--lake", "--landing", "--redis"]
    assert task.application_args[1::2] == [f"{{{{ params.{name} }}}}" for name in ("lake", "landing", "redis")]
