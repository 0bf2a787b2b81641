"""## Fresh posts

Brings posts made since the night into the feeds of their authors' friends, beside the pools that are served. It reads
the landing area and the lake, and writes to Redis only: `docs/fresh.md`.

**When to trigger.** It runs every 3 minutes, one run at a time. A post waits 30 s for the drain and 3 minutes for a
pass, so it is in feeds within 5. A pass that takes longer delays the next one, which does the work of all left out.

**When it stops.** Feeds stay as the last pass left them. The last line of the log says why. Nothing has to be cleared:
the next pass does all of the work again. A pass of more than 15 minutes is ended, because a publish may wait for it.

**What follows.** The next night has the posts itself, and its epoch has fresh posts of its own.
"""

import os
from datetime import datetime, timedelta

from airflow.sdk import DAG, CronTriggerTimetable, Param

from dags.feedlake_places import DATA, REDIS, SETTINGS
from dags.feedlake_tasks import submit

SCHEDULE = os.environ.get("FEEDLAKE_FRESH_SCHEDULE", "*/3 * * * *")

with DAG(
    dag_id="fresh",
    doc_md=__doc__,
    schedule=CronTriggerTimetable(SCHEDULE, timezone="UTC") if SCHEDULE else None,
    start_date=datetime(2026, 1, 1),  # noqa: DTZ001 - Airflow reads a naive start date as UTC
    catchup=False,
    max_active_runs=1,
    default_args={"owner": "feedlake", "retries": 0, "execution_timeout": timedelta(minutes=15)},
    params={
        "lake": Param(f"{DATA}/lake", type="string", description="root of the Delta tables"),
        "landing": Param(f"{DATA}/landing", type="string", description="landing folder, see docs/landing.md"),
        "redis": Param(REDIS, type="string", description="Redis of the readers"),
        "settings": Param(SETTINGS, type="string", description="TOML file of settings, see docs/settings.md; or empty"),
    },
    tags=["feedlake"],
) as dag:
    places = [word for name in ("lake", "landing", "redis") for word in (f"--{name}", f"{{{{ params.{name} }}}}")]
    # The pool has one slot: no pass writes while an epoch is published, or a person erased.
    submit("run_pass", "spark_jobs/fresh/__main__.py", places, pool="publish", settings="{{ params.settings }}")
