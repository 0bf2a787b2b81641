"""The run report inside the Airflow UI: a tab on every run of ``nightly_feed``."""

import os
from pathlib import Path
from typing import Any, ClassVar

from airflow.plugins_manager import AirflowPlugin
from fastapi import FastAPI
from fastapi.responses import HTMLResponse

REPORTS = Path(os.environ.get("FEEDLAKE_REPORTS", os.environ.get("FEEDLAKE_DATA", ".lake") + "/reports"))

app = FastAPI(title="Feedlake run reports")


@app.get("/{run_id}", response_class=HTMLResponse)
def report(run_id: str) -> HTMLResponse:
    """The report of one Airflow run; a run that has not reached its report task says so."""
    pointer = REPORTS / Path(run_id).name
    if not pointer.is_file():
        return HTMLResponse("<p>This run has no report yet: its last task, <b>report</b>, writes it.</p>", 404)
    return HTMLResponse(Path(pointer.read_text()).read_text())


class RunReportPlugin(AirflowPlugin):
    """Mounts the reports under ``/feedlake`` and links them from each run."""

    name = "feedlake_run_report"
    fastapi_apps: ClassVar[list[dict[str, Any]]] = [{"app": app, "url_prefix": "/feedlake", "name": "Feedlake reports"}]
    external_views: ClassVar[list[dict[str, Any]]] = [
        {
            "name": "Run report",
            "href": "/feedlake/{RUN_ID}",
            "destination": "dag_run",
            "url_route": "run_report",
        }
    ]
