"""Logs of trainings that MLflow's UI opens: parameters, losses by epoch, metrics of the held-out days.

They are files in MLflow's file layout, written without MLflow: a folder per role (an experiment) and training (a run).
The artefacts of a run are its checkpoint. Format: https://mlflow.org/docs/latest/self-hosting/architecture/backend-store
"""

import hashlib
import json
import time
from collections.abc import Iterator
from dataclasses import asdict
from datetime import date
from typing import Any

from contracts.folders import Folder
from models.erasure import RUN_LOGS
from models.outcome import Outcome
from models.training import TrainingConfig

_ID_DIGITS = 18
_RUN_ID_CHARACTERS = 32
_FINISHED, _LOCAL = 3, 4
"""MLflow's numbers of a status and of a kind of source."""


def write_run_log(artefacts: Folder, ds: date, outcome: Outcome, config: TrainingConfig, seconds: float) -> str:
    """Write the log of a training that ends now and took ``seconds``; returns its run's id.

    A training that is run again and gives the same model replaces its log.
    """
    experiment = str(int(_hash(outcome.role), 16))[:_ID_DIGITS]
    run = _hash(f"{outcome.role} {ds} {outcome.model_version}")[:_RUN_ID_CHARACTERS]
    end = round(time.time() * 1000)
    start = end - round(seconds * 1000)
    folder = artefacts.below(RUN_LOGS, experiment)
    about_role = {"experiment_id": experiment, "name": outcome.role, "lifecycle_stage": "active"}
    if not folder.exists("meta.yaml"):
        where = {"artifact_location": _uri(folder), "creation_time": start, "last_update_time": start}
        folder.write("meta.yaml", _yaml(about_role | where))
    files = {f"params/{name}": str(value) for name, value in _parameters(ds, outcome, config).items()}
    files |= {f"tags/{name}": value for name, value in _tags(ds, outcome).items()}
    lines: dict[str, list[str]] = {}
    for name, value, step in (*_metrics(outcome), ("seconds", seconds, 0)):
        lines.setdefault(f"metrics/{name}", []).append(f"{end} {value} {step}\n")
    files |= {name: "".join(values) for name, values in lines.items()}
    checkpoint = _uri(artefacts.below(outcome.model_version))
    files["artifacts/checkpoint"] = f"{checkpoint}\n"  # MLflow takes a run without this folder for a forged one
    for name, text in files.items():
        folder.below(run).write(name, text.encode())
    about_run = {
        "run_id": run,
        "run_uuid": run,
        "run_name": f"{ds} {outcome.model_version}",
        "experiment_id": experiment,
        "artifact_uri": checkpoint,
        "start_time": start,
        "end_time": end,
        "status": _FINISHED,
        "source_type": _LOCAL,
        "source_name": "models.train",
        "source_version": outcome.config.code_revision,
        "entry_point_name": "",
        "user_id": "",
        "lifecycle_stage": "active",
        "tags": [],
    }
    folder.below(run).write("meta.yaml", _yaml(about_run))  # last: without it MLflow sees no run
    return run


def _parameters(ds: date, outcome: Outcome, config: TrainingConfig) -> dict[str, Any]:
    found = {f"preset.{name}": value for name, value in _flat(asdict(outcome.config.preset))}
    days = {f"days.{name}": " ".join(map(str, of)) for name, of in asdict(outcome.split).items()}
    own = {name: getattr(config, name) for name in ("seed", "device", "bf16", "num_days")}
    made = {
        "ds": ds,
        "rows": outcome.trained.fitted.prepared.num_examples,
        "began_with": outcome.start.version,
        "taught_by": outcome.teacher,
        "feature_schema": outcome.config.feature_schema,
        "settings": outcome.config.settings,
    }
    return {**found, **days, **own, **made}


def _tags(ds: date, outcome: Outcome) -> dict[str, str]:
    return {
        "mlflow.runName": f"{ds} {outcome.model_version}",
        "mlflow.source.git.commit": outcome.config.code_revision,
        "model_version": outcome.model_version,
        "role": outcome.role,
    }


def _metrics(outcome: Outcome) -> Iterator[tuple[str, float, int]]:
    """Name, value and step: the number of the epoch, 0 for what is measured once."""
    fitted = outcome.trained.fitted
    for epoch in fitted.epochs:
        of_epoch = {"training_loss": epoch.training_loss, "calibration_loss": epoch.calibration_loss}
        of_epoch |= {f"calibration_loss.{head}": loss for head, loss in epoch.losses.items()}
        of_epoch["rows_per_s"] = epoch.rows_per_s
        for name, value in of_epoch.items():
            if value is not None:
                yield name, value, epoch.epoch
    yield "best_epoch", fitted.best_epoch, 0
    for head, values in outcome.trained.metrics.items():
        for name, measured in values.items():
            if measured is not None:
                yield f"holdout.{head}.{name}", measured, 0


def _flat(values: dict[str, Any], before: str = "") -> Iterator[tuple[str, Any]]:
    for name, value in values.items():
        if isinstance(value, dict):
            yield from _flat(value, f"{before}{name}.")
        else:
            yield before + name, value


def _yaml(values: dict[str, Any]) -> bytes:
    """JSON values are YAML."""
    return "".join(f"{name}: {json.dumps(value)}\n" for name, value in values.items()).encode()


def _uri(folder: Folder) -> str:
    place = folder.place
    return str(place) if place.is_s3 else place.local.resolve().as_uri()


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
