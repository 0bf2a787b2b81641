"""Runs in the Airflow environment: ``.venv/airflow/bin/python -m pytest tests/dags``."""

import os
from types import SimpleNamespace

import pytest

pytest.importorskip("airflow", reason="needs the Airflow environment")


@pytest.fixture(scope="module", autouse=True)
def airflow_home(tmp_path_factory: pytest.TempPathFactory) -> None:
    os.environ.setdefault("AIRFLOW_HOME", str(tmp_path_factory.mktemp("airflow")))
    os.environ["AIRFLOW__CORE__LOAD_EXAMPLES"] = "False"


def test_it_erases_when_no_night_runs_and_proves_what_it_erased() -> None:
    from dags.erase_person import dag

    assert dag.schedule is None
    assert dag.get_task("erase").upstream_task_ids == {"no_night_beside_it"}
    assert dag.get_task("prove").upstream_task_ids == {"erase"}
    erase, prove = dag.get_task("erase"), dag.get_task("prove")
    assert erase.pool == "publish", "a publish never runs beside it"
    assert erase.application.endswith("/spark_jobs/erase/__main__.py")
    shared = erase.application_args[erase.application_args.index("--search-list") :][:8]
    assert shared[6:] == ["--events", "{{ params.events }}"], "what the collector holds goes, too"
    assert prove.application_args[:8] == shared, "it proves what was erased, where it was erased"
    assert erase.application_args[-2:] == ["--records", "{{ params.records }}"]
    assert prove.application_args[-2:] == ["--folder", "{{ params.records }}"], "page records go, too"


def test_its_parameters_are_typed_and_a_user_must_be_given() -> None:
    from dags.erase_person import dag

    with pytest.raises(Exception, match="user"):
        dag.params.validate()
    params = dag.params
    for wrong in ("Cleo", 1.5):
        with pytest.raises(ValueError, match="not of type"):
            params["user"] = wrong


def test_a_running_night_stops_it() -> None:
    from airflow.sdk.exceptions import AirflowFailException

    from dags.erase_person import no_night_beside_it

    def ti(running: int) -> SimpleNamespace:
        return SimpleNamespace(get_dr_count=lambda dag_id, states: running * (dag_id == "nightly_feed") * len(states))

    no_night_beside_it.function(ti=ti(0))
    with pytest.raises(AirflowFailException, match="pause it"):
        no_night_beside_it.function(ti=ti(1))
