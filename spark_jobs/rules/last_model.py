"""Which model scored the last published night before this one.

The manifest of a published epoch names the model that scored it, even if rows in ``gold.models`` changed since: a night
that was not published, or was rolled back, has no say, and neither has a rerun of an older night's training.
"""

import json
from datetime import date

from spark_jobs.night.night import Night
from spark_jobs.rules.last_published import last_published
from spark_jobs.rules.night_model import SIMPLE_SCORE


def last_model(night: Night) -> tuple[str, date] | None:
    """Its version and that night; None where no night was published before, or a model did not score the last one."""
    last = last_published(night)
    version = None if last is None else json.loads(last.manifest).get("model_version")
    return None if last is None or version in (None, SIMPLE_SCORE) else (version, last.ds)
