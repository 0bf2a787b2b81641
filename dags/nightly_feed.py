"""## Nightly feed

Computes every user's ranked feed for one day and publishes it to Redis as a new epoch:
ingest → clean → preflight → features → (examples → train → promote, beside candidates) → score → rerank → audit →
publish → evaluate.

**When to trigger.** It runs at 02:00 UTC for the day before. Trigger it by hand with `ds` to rerun a day: every
write is idempotent, and a rerun publishes a new epoch with the same content.

**When it stops.** A red `validate_…` task names the table, the rule and the rows that broke it; readers keep serving
the epoch before. Fix the input, then clear the stage before it. A red `preflight.run` says why nobody would get a feed,
and which key of `dataset.json` to change.

**When a new model is worse.** The night goes on: the model that served before scores it, or the simple score. The
log of `promote.run` and the warning of `promote.validate_gold_promotions` give the reason.

**What follows.** The run report (tab *Run report* of each run) shows rows, verdicts, metrics and times.
"""

import os
from datetime import datetime, timedelta

from airflow.sdk import DAG, CronDataIntervalTimetable, Param, TaskGroup

from contracts.pipeline import STAGES, tables_of
from dags.feedlake_places import DATA, REDIS, SETTINGS
from dags.feedlake_tasks import report, spark_job, validate

SCHEDULE = os.environ.get("FEEDLAKE_SCHEDULE", "0 2 * * *")

with DAG(
    dag_id="nightly_feed",
    doc_md=__doc__,
    schedule=CronDataIntervalTimetable(SCHEDULE, timezone="UTC") if SCHEDULE else None,
    start_date=datetime(2026, 1, 1),  # noqa: DTZ001 - Airflow reads a naive start date as UTC
    catchup=False,
    max_active_runs=1,
    default_args={"owner": "feedlake", "retries": 1, "retry_delay": timedelta(seconds=30)},
    params={
        "ds": Param(None, type=["null", "string"], format="date", description="day to compute; default: the run's day"),
        "lake": Param(f"{DATA}/lake", type="string", description="root of the Delta tables"),
        "landing": Param(f"{DATA}/landing", type="string", description="landing folder, see docs/landing.md"),
        "runs": Param(f"{DATA}/runs", type="string", description="folder for verdicts, timings and the report"),
        "redis": Param(REDIS, type="string", description="Redis to publish to"),
        "settings": Param(SETTINGS, type="string", description="TOML file of settings, see docs/settings.md; or empty"),
    },
    tags=["feedlake"],
) as dag:
    groups = {}
    for stage, waits_for in STAGES.items():
        with TaskGroup(stage) as groups[stage]:
            job = spark_job(stage)
            for table in tables_of(stage):
                job >> validate(table.full_name)
        for earlier in waits_for:
            groups[earlier] >> groups[stage]
    # A teardown always runs, and a stopped night stays failed although its report is written.
    groups["evaluate"] >> report().as_teardown()
