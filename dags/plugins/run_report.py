"""The run report inside the Airflow UI: a tab on every run of ``nightly_feed``."""

from pathlib import Path
from typing import Any, ClassVar

from airflow.plugins_manager import AirflowPlugin
from fastapi import FastAPI
from fastapi.responses import HTMLResponse

from contracts.run_files import RunFiles, night_of_report
from dags.feedlake_places import REPORTS as REPORTS_PLACE
from storage import open_folder

REPORTS = open_folder(REPORTS_PLACE)
"""Where each run's report is, by the run's id."""

app = FastAPI(title="Feedlake run reports")


@app.get("/{run_id}", response_class=HTMLResponse)
def report(run_id: str) -> HTMLResponse:
    """The report of one Airflow run, or a message if the run has not reached its report task."""
    name = Path(run_id).name
    if not REPORTS.exists(name):
        return HTMLResponse("<p>This run has no report yet: its last task, <b>report</b>, writes it.</p>", 404)
    night = night_of_report(REPORTS.read(name).decode())
    return HTMLResponse(RunFiles(open_folder(night)).read_report())


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
