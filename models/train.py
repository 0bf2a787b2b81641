"""Train one of the night's rankers: read the pinned examples, train, calibrate, measure, write, register.

Run as ``python -m models.train --lake ROOT --ds 2026-03-08 --landing DIR --runs DIR`` in the training environment, or
in several processes as ``torchrun --standalone --nproc-per-node 2 -m models.train …``.
"""

import argparse
import sys
import time
from dataclasses import asdict, dataclass, replace
from datetime import date
from typing import Any

from contracts.code_revision import code_revision
from contracts.features import example_columns, schema_hash
from contracts.folders import Folder
from contracts.heads import HEAD_NAMES
from contracts.places import Place, artefacts_of
from contracts.run_files import RunFiles
from contracts.settings import Settings
from contracts.settings.hashes import settings_hash
from contracts.settings.models import HEAVY, ROLES
from contracts.settings.options import add_options, load_options
from models import processes
from models.checkpoint import CheckpointConfig, write_checkpoint
from models.erasure import state_file
from models.examples import Examples, TooFewExamples
from models.outcome import Outcome
from models.preparing import unread
from models.preset import Preset
from models.presets import preset_names, preset_of
from models.registry import register
from models.resume import ResumeFile, training_key
from models.run_log import write_run_log
from models.snapshot import Snapshot, Split, pin_snapshot, split_days
from models.teacher import teacher_of
from models.training import TrainingConfig, fit, judge
from models.untrained import leave_untrained
from models.warm_start import start_of
from storage import open_folder
from storage.check import add_place, check_options


@dataclass(frozen=True)
class Arguments:
    """One training run: locations of the data, night, role of the model, and how to train."""

    lake: str
    ds: date
    landing: str
    runs: str
    role: str
    config: TrainingConfig
    settings: Settings
    champion: str | None = None
    teacher: str | None = None


def run(arguments: Arguments) -> str | None:
    """Train and register the role's model and return its version; None if there is too little to train on.

    Then ``gold.models`` has no row of the night and role, and the role's report says why. Of several processes the
    first one registers and returns. Raises ``ValueError`` for bad input.
    """
    with processes.joined():
        return _train_or_say_why(arguments)


def _train_or_say_why(arguments: Arguments) -> str | None:
    try:
        return _train(arguments)
    except TooFewExamples as error:
        if arguments.champion is not None:  # with one, fewer days are trained on
            _say(f"with the champion {arguments.champion}: {error}")
            return _train_or_say_why(replace(arguments, champion=None))
        if processes.own_number() == 0:
            leave_untrained(arguments.lake, arguments.runs, arguments.ds, arguments.role, str(error))
            without = "; the simple score ranks the night" if arguments.role == HEAVY else ""
            print(f"no {arguments.role} model is trained: {error}{without}")
        return None


def _train(arguments: Arguments) -> str | None:
    started = time.perf_counter()
    snapshot = pin_snapshot(arguments.lake)
    split = split_days(snapshot, arguments.ds, arguments.settings.dataset)
    models, rules = _artefacts(arguments), arguments.settings.training
    reserved = (*split.calibration, *split.holdout)
    start = start_of(models, arguments.champion, arguments.config.preset, rules, reserved)
    teacher = teacher_of(models, arguments.teacher, arguments.config.preset, reserved)
    num_days = (split.training[-1] - split.training[0]).days + 1
    split = replace(split, training=start.fitted_on(split.training))
    _say(
        f"examples version {snapshot.version}: training {_span(split.training)}, "
        f"calibration {_span(split.calibration)}, hold-out {_span(split.holdout)}"
    )
    _say(start.message)
    _say(teacher.message)
    _say(_unread(num_days))
    part = (processes.own_number(), processes.count())
    training = Examples(snapshot.files_of(split.training), part=part)
    calibration, holdout = (Examples(snapshot.files_of(days)) for days in (split.calibration, split.holdout))
    config = replace(arguments.config, preset=start.preset, num_days=num_days)
    key = _key(arguments.lake, config, snapshot, split, start=start.version, teacher=teacher.version)
    resume = ResumeFile(models, state_file(arguments.ds, arguments.role), key, rules.save_steps)
    fitted = fit(training, calibration, config, _say, start=start.weights, teacher=teacher.model, resume=resume)
    if processes.own_number() > 0:
        return None
    trained = judge(fitted, calibration, holdout, config)
    checkpoint = CheckpointConfig(
        preset=start.preset,
        features=example_columns(),
        feature_schema=schema_hash(),
        heads=HEAD_NAMES,
        calibration=trained.calibration,
        judged_calibration=trained.judged_calibration,
        training_partitions=tuple(sorted({*map(str, split.training), *start.days, *teacher.days})),
        seed=arguments.config.seed,
        code_revision=code_revision(),
        settings=settings_hash(arguments.settings),
    )
    model_version = write_checkpoint(str(models.place), fitted.model, checkpoint)
    outcome = Outcome(model_version, arguments.role, checkpoint, split, trained, start, teacher.version)
    changed = register(arguments.lake, outcome.row(arguments.ds, snapshot.version))
    seconds = time.perf_counter() - started
    _write(arguments, outcome.report(seconds))
    write_run_log(models, arguments.ds, outcome, config, seconds)
    resume.remove()  # not before the outcome is registered: killed in between, the steps need not be taken again
    print(f"model {model_version} {'registered' if changed else 'was already registered'}; hold-out:")
    for head, values in trained.metrics.items():
        shown = "  ".join(f"{name} {'-' if value is None else f'{value:.4g}'}" for name, value in values.items())
        print(f"  {head:8}{shown}  calibrated by scale {trained.judged_calibration[head].scale:.4g}")
    return model_version


def _artefacts(arguments: Arguments) -> Folder:
    return open_folder(artefacts_of(Place.parse(arguments.lake)))


def _key(
    lake: str, config: TrainingConfig, snapshot: Snapshot, split: Split, *, start: str | None, teacher: str | None
) -> str:
    """Names this very training: all that decides its weights; ``start`` and ``teacher`` are versions of models."""
    files = {
        name: [str(file).removeprefix(str(Place.parse(lake))) for file in snapshot.files_of(days)]
        for name, days in asdict(split).items()
    }
    return training_key(
        config=asdict(config),
        start=start,
        teacher=teacher,
        files=files,
        schema=schema_hash(),
        processes=processes.count(),
    )


def _say(line: str) -> None:
    """Tell people a line, once."""
    if line and processes.own_number() == 0:
        print(line, flush=True)


def _write(arguments: Arguments, report: dict[str, Any]) -> None:
    RunFiles.of(open_folder(arguments.runs), arguments.ds).training(arguments.role).write(report)


def _unread(num_days: int) -> str:
    names = ", ".join(feature.example_column for feature in unread(num_days))
    return f"{num_days} days to train on hold no weekday twice: {names} are not read" if names else ""


def _span(days: tuple[date, ...]) -> str:
    return str(days[0]) if len(days) == 1 else f"{days[0]} to {days[-1]}" if days else "none"


def parse_arguments(words: list[str]) -> Arguments:
    """Parse the command line."""
    parser = argparse.ArgumentParser(prog="python -m models.train", description="Train one of the night's rankers.")
    add_place(parser, "lake", "root of the lake")
    parser.add_argument("--ds", required=True, type=date.fromisoformat, help="the night, YYYY-MM-DD")
    add_place(parser, "landing", "landing area, whose dataset.json is read")
    add_place(parser, "runs", "folder of the nights, where the report of the training is written")
    parser.add_argument("--role", default=HEAVY, choices=ROLES, help="what the model is for")
    parser.add_argument("--champion", metavar="VERSION", help="the model that serves, for training.warm_start")
    parser.add_argument("--teacher", metavar="VERSION", help="the model that a preset with a teacher_share learns from")
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
        if not isinstance(preset, Preset):
            parser.error(f"--epochs is for networks; the trees of {name} are grown once")
        preset = replace(preset, epochs=found.epochs)
    rules = settings.training
    config = TrainingConfig(
        preset, settings.seed, settings.evaluation.calibration_bins, device=rules.device, bf16=rules.bf16
    )
    places = (found.lake, found.ds, found.landing, found.runs)
    return Arguments(*places, found.role, config, settings, found.champion, found.teacher)


def main(words: list[str]) -> None:
    """Entry point: an error that the user can fix ends with one line and exit code 1."""
    try:
        run(parse_arguments(words))
    except ValueError as error:
        sys.exit(f"train: {error}")


if __name__ == "__main__":
    main(sys.argv[1:])
