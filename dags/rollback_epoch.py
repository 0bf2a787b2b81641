"""## Roll back an epoch

Takes the canary back where there is one; otherwise makes the epoch before the current one current again. It takes
seconds, and marks the bad epoch as rolled back for good, with who decided it and why. Rules and what happens
when: `docs/epochs.md`.

**When to trigger.** By hand, when readers are served bad feeds. A night may be running. If it is publishing, its
publish stops because the pointer has moved; a retry publishes it after the epoch that is current again.

**When it stops.** Clear the task: one run of this DAG rolls back one epoch, however often its task runs. A refusal says
why nothing was changed.

**What follows.** Fix the night and run it again from the stage that it concerns. A publish of the same content is
refused, even under a new number. `gold.epochs`, column `rollback`, keeps who did it and why.
"""

from datetime import datetime

from airflow.providers.standard.operators.bash import BashOperator
from airflow.sdk import DAG, Param

from dags.feedlake_places import DATA, HOME, PYTHON, REDIS

with DAG(
    dag_id="rollback_epoch",
    doc_md=__doc__,
    schedule=None,
    start_date=datetime(2026, 1, 1),  # noqa: DTZ001 - Airflow reads a naive start date as UTC
    catchup=False,
    max_active_runs=1,
    default_args={"owner": "feedlake", "retries": 0},
    params={
        "reason": Param(type="string", minLength=1, description="what is wrong with the epoch"),
        "by": Param(type="string", minLength=1, description="who decides it"),
        "lake": Param(f"{DATA}/lake", type="string", description="root of the Delta tables"),
        "redis": Param(REDIS, type="string", description="Redis of the readers"),
    },
    tags=["feedlake"],
) as dag:
    # Not in the pool `publish`: it must not wait. The texts are passed as variables, so that no shell interprets them.
    BashOperator(
        task_id="roll_back",
        bash_command=(
            'cd "$FEEDLAKE_ROOT" && "$PYTHON" -m spark_jobs.publish.rollback --lake "$LAKE" --redis "$REDIS" '
            '--why "$WHY" --by "$BY" --request "$REQUEST"'
        ),
        env={
            "FEEDLAKE_ROOT": HOME,
            "PYTHON": PYTHON,
            "PYTHONPATH": HOME,
            "LAKE": "{{ params.lake }}",
            "REDIS": "{{ params.redis }}",
            "WHY": "{{ params.reason }}",
            "BY": "{{ params.by }}",
            "REQUEST": "{{ run_id }}",
        },
        append_env=True,
    )
