"""The run report inside the Airflow UI: a tab on every run of ``nightly_feed``."""

import os
from pathlib import Path
from typing import Any, ClassVar

from airflow.plugins_manager import AirflowPlugin
from fastapi import FastAPI
from fastapi.responses import HTMLResponse

from contracts.places import Place
from storage import open_folder

REPORTS = open_folder(os.environ.get("FEEDLAKE_REPORTS", os.environ.get("FEEDLAKE_DATA", ".lake") + "/reports"))

app = FastAPI(title="Feedlake run reports")


@app.get("/{run_id}", response_class=HTMLResponse)
def report(run_id: str) -> HTMLResponse:
    """The report of one Airflow run, or a message if the run has not reached its report task."""
    name = Path(run_id).name
    if not REPORTS.exists(name):
        return HTMLResponse("<p>This run has no report yet: its last task, <b>report</b>, writes it.</p>", 404)
    page = Place.parse(REPORTS.read(name).decode())
    folder, _, file = page.path.rpartition("/")
    return HTMLResponse(open_folder(Place(page.scheme, folder)).read(file).decode())


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
