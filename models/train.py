"""Train one of the night's rankers: read the pinned examples, train, calibrate, measure, write, register.

Run as ``python -m models.train --lake ROOT --ds 2026-03-08 --landing DIR --runs DIR`` in the training environment.
"""

import argparse
import json
import subprocess
import sys
import time
from dataclasses import asdict, dataclass, replace
from datetime import date
from pathlib import Path
from typing import Any

from contracts.features import example_columns, schema_hash
from contracts.heads import HEAD_NAMES
from contracts.model_stages import CANDIDATE
from contracts.places import ARTEFACTS, Place, artefacts_of
from contracts.run_files import RunFiles
from contracts.settings import Settings
from contracts.settings.hashes import settings_hash
from contracts.settings.models import HEAVY, ROLES
from contracts.settings.options import add_options, load_options
from models.checkpoint import CheckpointConfig, write_checkpoint
from models.loading import Examples, Snapshot, Split, TooFewExamples, pin_snapshot, split_days
from models.presets import preset_names, preset_of
from models.registry import ModelRow, forget, register
from models.training import Trained, TrainingConfig, train, unread
from storage import open_folder
from storage.check import add_place, check_options


@dataclass(frozen=True)
class Arguments:
    """One training run: where the data lies, which night, what the model is for, and how to train."""

    lake: str
    ds: date
    landing: str
    runs: str
    role: str
    config: TrainingConfig
    settings: Settings


def run(arguments: Arguments) -> str | None:
    """Train and register the role's model and return its version; None where the lake holds too little to train on.

    Then ``gold.models`` has no row of the night and role, and the role's report says why.
    Raises ``ValueError`` for bad input.
    """
    try:
        return _train(arguments)
    except TooFewExamples as error:
        forget(arguments.lake, arguments.ds, arguments.role)
        _write(arguments, {"model_version": None, "role": arguments.role, "reason": str(error)})
        print(f"no model is trained: {error}; the simple score ranks the night")
        return None


def _train(arguments: Arguments) -> str:
    started = time.perf_counter()
    snapshot = pin_snapshot(arguments.lake)
    split = split_days(snapshot, arguments.ds, arguments.settings.dataset)
    print(
        f"examples version {snapshot.version}: training {_span(split.training)}, "
        f"calibration {_span(split.calibration)}, hold-out {_span(split.holdout)}"
    )
    training, calibration, holdout = (
        Examples(snapshot.files_of(days)) for days in (split.training, split.calibration, split.holdout)
    )
    num_days = (split.training[-1] - split.training[0]).days + 1
    print(_unread(num_days), end="")
    trained = train(
        training,
        calibration,
        holdout,
        replace(arguments.config, num_days=num_days),
        report=lambda line: print(line, flush=True),
    )
    config = CheckpointConfig(
        preset=arguments.config.preset,
        features=example_columns(),
        feature_schema=schema_hash(),
        heads=HEAD_NAMES,
        calibration=trained.calibration,
        judged_calibration=trained.judged_calibration,
        training_partitions=tuple(map(str, split.training)),
        seed=arguments.config.seed,
        code_revision=_code_revision(),
        settings=settings_hash(arguments.settings),
    )
    model_version = write_checkpoint(str(artefacts_of(Place.parse(arguments.lake))), trained.network, config)
    row = _row(arguments, model_version, config, snapshot, trained)
    changed = register(arguments.lake, row)
    _write_report(arguments, model_version, split, trained, time.perf_counter() - started)
    print(f"model {model_version} {'registered' if changed else 'was already registered'}; hold-out:")
    for head, values in trained.metrics.items():
        shown = "  ".join(f"{name} {'-' if value is None else f'{value:.4g}'}" for name, value in values.items())
        print(f"  {head:8}{shown}  calibrated by scale {trained.judged_calibration[head].scale:.4g}")
    return model_version


def _row(
    arguments: Arguments, model_version: str, config: CheckpointConfig, snapshot: Snapshot, trained: Trained
) -> ModelRow:
    metrics = {
        "holdout": trained.metrics,
        **_calibrations(trained),
        "best_epoch": trained.best_epoch,
        "calibration_loss": trained.epochs[trained.best_epoch - 1].calibration_loss,
    }
    return ModelRow(
        model_version=model_version,
        ds=arguments.ds,
        preset=config.preset.name,
        stage=CANDIDATE,
        feature_schema=config.feature_schema,
        features=config.features,
        examples_version=snapshot.version,
        training_partitions=config.training_partitions,
        num_examples=trained.num_examples,
        metrics=json.dumps(metrics, sort_keys=True, allow_nan=False),
        code_revision=config.code_revision,
        path=f"{ARTEFACTS}/{model_version}",
        role=arguments.role,
    )


def _write_report(arguments: Arguments, model_version: str, split: Split, trained: Trained, seconds: float) -> None:
    """The role's report of this training; the run report shows that of the heavy model."""
    num_rows = trained.num_examples * len(trained.epochs)
    report = {
        "model_version": model_version,
        "role": arguments.role,
        "preset": arguments.config.preset.name,
        "seconds": round(seconds, 3),
        "rows": trained.num_examples,
        "rows_per_s": round(num_rows / sum(trained.num_examples / epoch.rows_per_s for epoch in trained.epochs)),
        "epochs": [asdict(epoch) for epoch in trained.epochs],
        "best_epoch": trained.best_epoch,
        "days": {name: [str(day) for day in days] for name, days in asdict(split).items()},
        **_calibrations(trained),
        "metrics": trained.metrics,
    }
    _write(arguments, report)


def _calibrations(trained: Trained) -> dict[str, Any]:
    return {
        name: {head: asdict(values) for head, values in fitted.items()}
        for name, fitted in (("calibration", trained.calibration), ("judged_calibration", trained.judged_calibration))
    }


def _write(arguments: Arguments, report: dict[str, Any]) -> None:
    RunFiles.of(open_folder(arguments.runs), arguments.ds).training(arguments.role).write(report)


def _unread(num_days: int) -> str:
    names = ", ".join(feature.example_column for feature in unread(num_days))
    return f"{num_days} days to train on hold no weekday twice: {names} are not read\n" if names else ""


def _span(days: tuple[date, ...]) -> str:
    return str(days[0]) if len(days) == 1 else f"{days[0]} to {days[-1]}" if days else "none"


def _code_revision() -> str:
    """Commit of this working tree, or ``unknown`` outside one."""
    folder = Path(__file__).resolve().parent
    command = ["git", "-C", str(folder), "rev-parse", "--verify", "--quiet", "HEAD"]
    try:
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()
    except (OSError, subprocess.CalledProcessError):
        return "unknown"


def parse_arguments(words: list[str]) -> Arguments:
    """Parse the command line."""
    parser = argparse.ArgumentParser(prog="python -m models.train", description="Train one of the night's rankers.")
    add_place(parser, "lake", "root of the lake")
    parser.add_argument("--ds", required=True, type=date.fromisoformat, help="the night, YYYY-MM-DD")
    add_place(parser, "landing", "landing area, whose dataset.json is read")
    add_place(parser, "runs", "where <ds>/train.json, or train.<role>.json, is written")
    parser.add_argument("--role", default=HEAVY, choices=ROLES, help="what the model is for")
    parser.add_argument("--preset", choices=preset_names(), help="the model, short for --set models.<role>")
    parser.add_argument("--epochs", type=int, help="passes over the examples at most, in place of the preset's")
    parser.add_argument("--seed", type=int, help="seed of weights, dropout and row order, short for --set seed")
    add_options(parser)
    found = parser.parse_args(words)
    check_options(parser, found, "lake", "landing", "runs")
    given = {f"models.{found.role}": found.preset, "seed": found.seed}
    more = [f"{key}={value}" for key, value in given.items() if value is not None]
    settings = load_options(parser, found, open_folder(found.landing), more).settings
    name = getattr(settings.models, found.role)
    if not name:
        parser.error(f"the role {found.role} has no preset: give --preset or --set models.{found.role}")
    preset = preset_of(name)
    if found.epochs is not None:
        if found.epochs < 1:
            parser.error("--epochs must be at least 1")
        preset = replace(preset, epochs=found.epochs)
    config = TrainingConfig(preset, settings.seed, settings.evaluation.calibration_bins)
    return Arguments(found.lake, found.ds, found.landing, found.runs, found.role, config, settings)


def main(words: list[str]) -> None:
    """Entry point: an error that the user can mend ends with one line and exit code 1."""
    try:
        run(parse_arguments(words))
    except ValueError as error:
        sys.exit(f"train: {error}")


if __name__ == "__main__":
    main(sys.argv[1:])
