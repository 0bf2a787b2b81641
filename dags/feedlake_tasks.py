"""Task factories of Feedlake's DAGs: a Spark job per stage, a validation per table, the report."""

import os
from pathlib import Path
from typing import Any

from airflow.providers.apache.spark.operators.spark_submit import SparkSubmitOperator
from airflow.providers.standard.operators.bash import BashOperator
from airflow.sdk import Asset, task
from airflow.sdk.exceptions import AirflowFailException

from contracts.broken_rules import describe_rule
from contracts.pipeline import RUNNER
from contracts.places import Location
from contracts.run_files import RunFiles
from dags.feedlake_places import HOME, PYTHON, REPORTS, SETTINGS
from storage import open_folder

DS = "{{ params.ds or ds }}"


def asset(full_name: str) -> Asset:
    """The asset of one table; its name is the table's name."""
    return Asset(name=full_name, uri=f"feedlake://lake/{full_name.replace('.', '/')}")


def spark_job(stage: str) -> SparkSubmitOperator:
    """Submit one stage of the night."""
    places = {name: f"{{{{ params.{name} }}}}" for name in ("lake", "landing", "runs", "redis")}
    options = [word for name, value in places.items() for word in (f"--{name}", value)]
    # A backfill ignores max_active_runs; the pool's one slot still keeps two publishers apart.
    pool = "publish" if stage == "publish" else "default_pool"
    job = submit("run", RUNNER, [stage, "--ds", DS, *options], pool, settings="{{ params.settings }}")
    if stage == "preflight":
        job.retries = 0  # a second time it would count the same
    return job


def submit(
    task_id: str, script: str, arguments: list[str], pool: str = "default_pool", settings: str = SETTINGS
) -> SparkSubmitOperator:
    """Submit ``script``, a path from the root, to the lake's Spark; an empty ``settings`` means no settings file."""
    return SparkSubmitOperator(
        task_id=task_id,
        application=f"{HOME}/{script}",
        application_args=arguments,
        name=f"feedlake {arguments[0] if script == RUNNER else script.removeprefix('spark_jobs/')}",
        conn_id="feedlake_spark",
        spark_binary=os.environ.get("FEEDLAKE_SPARK_SUBMIT", f"{Path(PYTHON).parent}/spark-submit"),
        properties_file=os.environ.get("FEEDLAKE_SPARK_CONF", f"{HOME}/.jars/spark.conf"),
        env_vars={"PYSPARK_PYTHON": PYTHON, "PYTHONPATH": HOME, "FEEDLAKE_SETTINGS": settings},
        pool=pool,
    )


def validate(full_name: str) -> Any:
    """Fail when the gate of ``full_name`` found a critical rule broken; the table's asset is updated otherwise."""

    @task(task_id=f"validate_{full_name.replace('.', '_')}", outlets=[asset(full_name)], retries=0)
    def check(runs: str, ds: str) -> dict[str, Any]:
        return read_verdict(runs, ds, full_name)

    return check(runs="{{ params.runs }}", ds=DS)


def read_verdict(runs: Location, ds: str, full_name: str) -> dict[str, Any]:
    """Rows and warnings of a passed gate; ``AirflowFailException`` naming table, rule and rows of a failed one."""
    file = RunFiles.of(open_folder(runs), ds).verdict(full_name)
    if not file.exists():
        raise AirflowFailException(f"{full_name} has no verdict for {ds}: {file} is missing; rerun its stage")
    verdict = file.read()
    broken = [result for result in verdict["results"] if not result["success"]]
    lines = [f"{result['severity']}: {describe_rule(full_name, result)}" for result in broken]
    for line in lines:
        print(line)
    if not verdict["success"]:
        raise AirflowFailException("; ".join(line for line in lines if line.startswith("critical")))
    return {"rows": verdict["rows"], "warnings": lines}


def report() -> BashOperator:
    """Render the run report even if tasks failed before, so that a stopped night has one too."""
    return BashOperator(
        task_id="report",
        # The plugin's tab finds the report of a run by the file with the run's id as its name.
        bash_command='"$PYTHON" -m analysis.report --runs "$RUNS" --ds "$DS" --reports "$REPORTS" --run "$RUN_ID"',
        env={
            "PYTHON": PYTHON,
            "PYTHONPATH": HOME,
            "RUNS": "{{ params.runs }}",
            "DS": DS,
            "REPORTS": REPORTS,
            "RUN_ID": "{{ run_id }}",
        },
        append_env=True,
    )
