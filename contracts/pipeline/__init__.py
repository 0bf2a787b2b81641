"""The stages of a night, in order, and the tables each one writes, a file per layer.

The DAG, the stage runner, the gates and the run report all read this list, so a table has one name everywhere:
its job is ``spark_jobs/<stage>/<name>.py`` (in a stage with rooms, ``<stage>/<room>/<name>.py``), its DDL
``sql/<layer>/<name>/ddl.sql``, its suite ``expectations/<layer>/<name>.json`` and its Airflow asset ``<layer>.<name>``.
"""

from contracts.pipeline import bronze, gold, silver
from contracts.pipeline.reports import REPORTS
from contracts.pipeline.table import Report, Table

RUNNER = "spark_jobs/night/run.py"
"""The script that spark-submit runs for every stage, relative to the root of the repository."""

STAGES: dict[str, tuple[str, ...]] = {
    "ingest": (),
    "clean": ("ingest",),
    "preflight": ("clean",),
    "features": ("preflight",),
    "examples": ("features",),
    "train": ("examples",),
    "promote": ("train",),
    "candidates": ("features",),
    "score": ("promote", "candidates"),
    "rerank": ("score",),
    "audit": ("rerank",),
    "publish": ("audit",),
    "evaluate": ("publish",),
}
"""Each stage with the stages that it waits for, in an order in which they can run one after another."""

TABLES: tuple[Table, ...] = (*bronze.TABLES, *silver.TABLES, *gold.TABLES)
"""All tables of a night, in an order in which they can be written one after another."""

BESIDE_THE_NIGHT: tuple[Table, ...] = bronze.BESIDE_THE_NIGHT
"""Tables that commands write; a night reads them if they exist and has no task for them."""

BY_NAME: dict[str, Table] = {table.full_name: table for table in (*TABLES, *BESIDE_THE_NIGHT)}


def report_of(stage: str) -> Report | None:
    """What a stage without tables writes."""
    return next((report for report in REPORTS if report.stage == stage), None)


def tables_of(stage: str) -> tuple[Table, ...]:
    """The tables that ``stage`` writes, in the order in which it writes them."""
    if stage not in STAGES:
        raise ValueError(f"unknown stage {stage!r}; the stages are {', '.join(STAGES)}")
    return tuple(table for table in TABLES if table.stage == stage)
