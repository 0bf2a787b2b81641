"""The log of a training in MLflow's file layout."""

import json
from pathlib import Path
from typing import Any

import pytest

from models.erasure import RUN_LOGS, mark_before_erasure
from models.train import parse_arguments, run
from tests.model_examples import write_examples

pytestmark = pytest.mark.train
pytest.importorskip("petastorm", reason="Petastorm lives in the training environment")


def train(folder: Path, *more: str) -> str:
    places = [word for name in ("lake", "landing", "runs") for word in (f"--{name}", str(folder / name))]
    version = run(parse_arguments([*places, "--ds", "2026-03-08", "--preset", "tiny", *more]))
    assert version is not None
    return version


def about(folder: Path) -> dict[str, Any]:
    """The values of a ``meta.yaml`` as we write them."""
    lines = (folder / "meta.yaml").read_text().splitlines()
    return {name: json.loads(value) for name, _, value in (line.partition(": ") for line in lines)}


def test_a_training_leaves_a_run_and_its_rerun_no_other(tmp_path: Path) -> None:
    write_examples(tmp_path / "lake", num_rows=400)
    version = train(tmp_path, "--epochs", "2")
    assert train(tmp_path, "--epochs", "2") == version
    logs = tmp_path / "lake" / "models" / RUN_LOGS
    (experiment,) = logs.iterdir()
    (found,) = (path for path in experiment.iterdir() if path.is_dir())
    assert about(experiment) | {"creation_time": 0, "last_update_time": 0} == {
        "experiment_id": experiment.name,
        "name": "heavy",
        "lifecycle_stage": "active",
        "artifact_location": experiment.as_uri(),
        "creation_time": 0,
        "last_update_time": 0,
    }
    assert experiment.name.isdecimal()
    told = about(found)
    assert (told["run_id"], told["experiment_id"], told["status"]) == (found.name, experiment.name, 3)
    assert told["artifact_uri"] == (tmp_path / "lake" / "models" / version).as_uri()
    assert 0 < told["end_time"] - told["start_time"] < 600_000
    assert {path.name for path in found.iterdir()} == {"meta.yaml", "params", "metrics", "tags", "artifacts"}
    read = {str(path.relative_to(found)): path.read_text() for path in found.rglob("*") if path.is_file()}
    assert read["tags/model_version"] == version
    assert (read["params/preset.name"], read["params/preset.optimiser.batch_size"]) == ("tiny", "256")
    told_of = [read[f"params/{name}"] for name in ("rows", "days.holdout", "began_with", "taught_by")]
    assert told_of == ["800", "2026-03-07", "None", "None"]
    losses = [line.split() for line in read["metrics/training_loss"].splitlines()]
    assert [(int(step), int(at)) for at, _, step in losses] == [(1, told["end_time"]), (2, told["end_time"])]
    report = json.loads((tmp_path / "runs" / "2026-03-08" / "train.json").read_text())
    assert [float(value) for _, value, _ in losses] == [epoch["training_loss"] for epoch in report["epochs"]]
    measured = {name for name in read if name.startswith("metrics/holdout.like.")}
    assert measured == {f"metrics/holdout.like.{name}" for name, value in report["metrics"]["like"].items() if value}
    assert "metrics/holdout.report.auc" not in read, "it is undefined"


def test_another_model_is_another_run_and_an_erasure_marks_models_alone(tmp_path: Path) -> None:
    write_examples(tmp_path / "lake", num_rows=300)
    versions = {train(tmp_path, "--epochs", "1", "--seed", seed) for seed in ("1", "2")}
    (experiment,) = (tmp_path / "lake" / "models" / RUN_LOGS).iterdir()
    assert {about(path)["run_name"] for path in experiment.iterdir() if path.is_dir()} == {
        f"2026-03-08 {version}" for version in versions
    }
    assert mark_before_erasure(tmp_path / "lake" / "models") == len(versions) == 2
