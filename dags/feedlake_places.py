"""Where everything is, from ``FEEDLAKE_*`` environment variables of the Airflow deployment; no DAG names a path."""

import os
from pathlib import Path

HOME = os.environ.get("FEEDLAKE_HOME", str(Path(__file__).resolve().parent.parent))
PYTHON = os.environ.get("FEEDLAKE_LAKE_PYTHON", f"{HOME}/.venv/lake/bin/python")
DATA = os.environ.get("FEEDLAKE_DATA", f"{HOME}/.lake")
REDIS = os.environ.get("FEEDLAKE_REDIS", "redis://127.0.0.1:6379/0")
EVENTS = os.environ.get("FEEDLAKE_EVENTS", "")
"""Redis of the collector; empty if there is none."""

RECORDS = os.environ.get("FEEDLAKE_RECORDS", "")
"""Page records of the readers, as this machine sees them; empty if there are none."""

SETTINGS = os.environ.get("FEEDLAKE_SETTINGS", "")
REPORTS = os.environ.get("FEEDLAKE_REPORTS", f"{DATA}/reports")
