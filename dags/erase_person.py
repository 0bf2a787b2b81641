"""## Erase a person

Removes a user from every table, their history, Redis and the collector's Redis, then proves it by searching every file
and key: no night beside it → erase → prove. `docs/erasure.md` lists what is removed and what stays.

**When to trigger.** By hand, for a deletion request. Pause `nightly_feed` first: an erasure would remove files that a
running night is writing, so this run fails if a night is running. A pass of `fresh` waits for the erasure, and the
erasure for the pass.

**When it stops.** Clear the task: the erasure is resumed. A red `prove` lists each file, column and key in which
something was found.

**What follows.** The next night trains without the person. Delete the search list `<search_lists>/<request>.json` once
`prove` is green: it is personal data, and so are the parameters of this run, which Airflow keeps until
`airflow db clean`.
"""

from datetime import datetime
from typing import Any

from airflow.sdk import DAG, Param, task
from airflow.sdk.exceptions import AirflowFailException

from dags.feedlake_places import DATA, EVENTS, RECORDS, REDIS
from dags.feedlake_tasks import submit

NIGHT = "nightly_feed"


@task(retries=0)
def no_night_beside_it(ti: Any = None) -> None:
    """Fail if a night is running."""
    running = ti.get_dr_count(dag_id=NIGHT, states=["queued", "running"])
    if running:
        raise AirflowFailException(
            f"{running} runs of {NIGHT} are at work: pause it, let them end, then clear this task"
        )


SEARCH_LIST = ("--search-list", "{{ params.search_lists }}/{{ params.request }}.json")
PLACES = ("--lake", "{{ params.lake }}", "--redis", "{{ params.redis }}", "--events", "{{ params.events }}")

with DAG(
    dag_id="erase_person",
    doc_md=__doc__,
    schedule=None,
    start_date=datetime(2026, 1, 1),  # noqa: DTZ001 - Airflow reads a naive start date as UTC
    catchup=False,
    max_active_runs=1,
    default_args={"owner": "feedlake", "retries": 0},
    params={
        "user": Param(type="integer", description="id of the user to erase"),
        "request": Param(type="string", pattern="^[A-Za-z0-9._-]+$", description="id of the request, no personal data"),
        "lake": Param(f"{DATA}/lake", type="string", description="root of the Delta tables"),
        "landing": Param(f"{DATA}/landing", type="string", description="its files that hold the person are named"),
        "runs": Param(f"{DATA}/runs", type="string", description="past runs, whose verdicts quote rows"),
        "search_lists": Param(f"{DATA}/erasures", type="string", description="what the proof looks for"),
        "redis": Param(REDIS, type="string", description="Redis of the readers"),
        "events": Param(EVENTS, type="string", description="Redis of the collector; empty where there is none"),
        "records": Param(RECORDS, type="string", description="page records of the readers; empty where there are none"),
    },
    tags=["feedlake"],
) as dag:
    person = ["--user", "{{ params.user }}", "--request", "{{ params.request }}"]
    beside = ["--runs", "{{ params.runs }}", "--landing", "{{ params.landing }}", "--records", "{{ params.records }}"]
    searched = ["--folder", "{{ params.runs }}", "--folder", "{{ params.records }}"]
    erase = submit("erase", "spark_jobs/erase/__main__.py", [*person, *SEARCH_LIST, *PLACES, *beside], pool="publish")
    prove = submit("prove", "spark_jobs/erase/prove.py", [*SEARCH_LIST, *PLACES, *searched])
    no_night_beside_it() >> erase >> prove
