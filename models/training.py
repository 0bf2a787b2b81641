"""Training, calibration and hold-out evaluation of a ranker.

Deterministic for a seed, a snapshot and the number of processes.
"""
# ruff: noqa: N806 - shape suffixes are upper case: N rows, H heads

import copy
import math
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, field

import torch
from torch import Tensor

from contracts.heads import HEADS
from contracts.settings import Evaluation
from models import processes
from models.batches import Plan, batches
from models.calibration import HeadCalibration
from models.devices import be_deterministic, device_of, random_state, restore_random_state
from models.examples import TABLE, Examples
from models.losses import total_loss
from models.model import Model
from models.network import Network
from models.networks import network_of
from models.outputs import calibrate_heads, losses_of, measure, predict
from models.preparing import Prepared, prepare, unread
from models.preset import AnyPreset, TreePreset
from models.progress import Epoch, Place, Progress
from models.resume import ResumeFile, Saved
from models.steps import Steps

_PROCESS_SEEDS = 1_000_000_007


@dataclass(frozen=True)
class TrainingConfig:
    """How to train and measure: the preset, the seed of weights, dropout, row order or trees, and bins of calibration.

    ``num_days`` is how many days the training rows span; None where that is long enough for every input. ``device``
    (``cpu`` or ``cuda``) and ``bf16`` are for networks.
    """

    preset: AnyPreset
    seed: int
    calibration_bins: int = Evaluation.calibration_bins
    num_days: int | None = None
    device: str = "cpu"
    bf16: bool = False


@dataclass(frozen=True)
class Fitted:
    """The model of the best epoch, every epoch, and what the training rows say. Trees are one epoch."""

    model: Model
    epochs: tuple[Epoch, ...]
    best_epoch: int
    prepared: Prepared


@dataclass(frozen=True)
class Trained:
    """What was fitted, its calibrations (``CheckpointConfig``), and what the hold-out days say of it.

    ``metrics`` are those of ``judged_calibration``.
    """

    fitted: Fitted
    calibration: dict[str, HeadCalibration]
    judged_calibration: dict[str, HeadCalibration]
    metrics: dict[str, dict[str, float | None]]


@dataclass
class State:
    """All that changes while training goes on: weights, what the optimiser remembers, the place, the best weights.

    ``total`` is this process's sum of the losses of the epoch. It stays on the device: reading it would wait for all
    that the device has to do.
    """

    network: Network
    steps: Steps
    total: Tensor
    place: Place = field(default_factory=Place)
    best: dict[str, Tensor] = field(default_factory=dict)

    def saved(self) -> Saved:
        """The state as tensors and JSON; random numbers and sums of losses are those of every process, (P, ...)."""
        parts = {"network": self.network.state_dict(), "best": self.best, "adam": self.steps.moments()}
        tensors = {f"{part}.{name}": value for part, values in parts.items() for name, value in values.items()}
        own = {"random": random_state(self.network.device), "total": self.total.cpu()}
        tensors |= {name: torch.cat(processes.gathered(value.unsqueeze(0))) for name, value in own.items()}
        return Saved(tensors, {"place": asdict(self.place), "taken": self.steps.taken})

    def restore(self, saved: Saved) -> None:
        """Go on from a saved state."""
        found: dict[str, dict[str, Tensor]] = {"network": {}, "best": {}, "adam": {}}
        for key, value in saved.tensors.items():
            part, _, name = key.partition(".")
            if name:
                found[part][name] = value
        self.network.load_state_dict(found["network"])
        self.steps.restore(found["adam"], saved.content["taken"])
        self.best = found["best"]
        self.total.copy_(saved.tensors["total"][processes.own_number()])
        place = saved.content["place"]
        self.place = Place(**place | {"epochs": [Epoch(**epoch) for epoch in place["epochs"]]})
        restore_random_state(self.network.device, saved.tensors["random"][processes.own_number()])


def fit(
    training: Examples,
    calibration: Examples,
    config: TrainingConfig,
    report: Callable[[str], None],
    *,
    start: dict[str, Tensor] | None = None,
    teacher: Model | None = None,
    resume: ResumeFile | None = None,
) -> Fitted:
    """Train on all processes and keep the epoch with the least loss on ``calibration``.

    ``training`` holds this process's rows; the first process reads ``calibration``. ``start`` are the weights to begin
    with, in place of random ones. ``teacher`` is for a preset with a ``teacher_share`` and is moved to the device; the
    calibration days are judged by their labels alone. With ``resume`` the state is kept in a file every so many steps
    and after each epoch, and a training that was killed goes on from it to the same weights, bit for bit. The caller
    removes the file when it has kept the outcome.

    Trees are grown by one process, begin with nothing, have no teacher and keep no state.

    Raises ``TooFewExamples`` without enough positive labels, ``ValueError`` when the loss is no longer a number, when
    several processes are to grow trees, and when there is no such device or no teacher.
    """
    preset = config.preset
    torch.set_num_threads(preset.threads)
    if isinstance(preset, TreePreset):
        if processes.count() > 1:  # settings refuse it, but torchrun can be started by hand
            raise ValueError(f"the trees of {preset.name} are grown by one process: set training.processes to 1")
        from models.growing import grow  # noqa: PLC0415 - networks need no LightGBM

        prepared = prepare(training, unread(config.num_days))
        trees, epoch = grow(training, calibration, preset, prepared, seed=config.seed, report=report)
        return Fitted(trees, (epoch,), epoch.epoch, prepared)
    device = device_of(config.device)
    be_deterministic()
    torch.manual_seed(config.seed)
    network = network_of(preset.network)(preset.sizes)
    prepared = prepare(training, unread(config.num_days))
    network.prepare(prepared.statistics)
    if start is not None:
        _take_weights(network, start)
    network.to(device)
    if processes.own_number() > 0:  # no two processes drop out the same units
        torch.manual_seed(config.seed + _PROCESS_SEEDS * processes.own_number())
    if isinstance(teacher, Network):
        teacher.to(device)
    steps = Steps(network, preset, prepared.num_examples, bf16=config.bf16, teacher=teacher)
    state = State(network, steps, torch.zeros((), dtype=torch.float64, device=device))
    if resume is not None:
        _restore(state, resume, report)
    progress = Progress(prepared.num_examples, preset.epochs, report)
    plan = Plan(prepared.shard_rows, preset.optimiser.batch_size)

    def after_step(state: State) -> None:
        progress.step(state.place)
        if resume is not None and state.steps.taken % resume.every == 0:
            _keep(state, resume)

    while not state.place.is_over(preset.epochs, preset.optimiser.patience):
        _run_epoch(state, training, plan, config.seed, after_step)
        _end_epoch(state, calibration)
        progress.epoch(state.place.epochs[-1])
        _keep(state, resume)
    network.load_state_dict(state.best)
    return Fitted(network, tuple(state.place.epochs), state.place.best_epoch, prepared)


def judge(fitted: Fitted, calibration: Examples, holdout: Examples, config: TrainingConfig) -> Trained:
    """Calibrate on ``calibration`` and measure on ``holdout``; then calibrate on both, for the nights to score."""
    unseen, heldout = predict(fitted.model, calibration), predict(fitted.model, holdout)
    judged = calibrate_heads(unseen, fitted.prepared.priors)
    metrics = measure(heldout, judged, config.calibration_bins)
    newest = calibrate_heads(unseen.with_rows_of(heldout), fitted.prepared.priors)
    return Trained(fitted, newest, judged, metrics)


def _take_weights(network: Network, weights: dict[str, Tensor]) -> None:
    """Replace weights, but no moments and quantiles: those are of tonight's rows."""
    with torch.no_grad():
        for name, own in network.named_parameters():
            own.copy_(weights[name])


def _restore(state: State, resume: ResumeFile, report: Callable[[str], None]) -> None:
    saved, message = resume.read()
    if saved is not None:
        state.restore(saved)
        message += f": epoch {state.place.number}, after {state.place.batches} of its batches"
    if message:
        report(message)


def _keep(state: State, resume: ResumeFile | None) -> None:
    if resume is not None:
        saved = state.saved()
        if processes.own_number() == 0:
            resume.write(saved)


def _run_epoch(state: State, training: Examples, plan: Plan, seed: int, after_step: Callable[[State], None]) -> None:
    """Take the steps that are left of the epoch under way."""
    place = state.place
    state.network.train()
    generator = torch.Generator().manual_seed(seed * 1_000_003 + place.number + _PROCESS_SEEDS * processes.own_number())
    started = time.perf_counter() - place.seconds
    for batch in batches(training, plan, generator, place.batches, state.network.device):
        loss = state.steps.loss(batch)
        state.steps.take(loss)
        state.total += loss.detach().double() * batch.num_rows
        place.rows, place.batches = place.rows + batch.num_rows, place.batches + 1
        place.seconds = time.perf_counter() - started
        after_step(state)
    state.total.cpu()  # waits for the steps that a GPU has yet to take
    place.seconds = time.perf_counter() - started


def _end_epoch(state: State, calibration: Examples) -> None:
    """Judge the epoch under way on the calibration days, which the first process reads; keep its weights if best."""
    place = state.place
    total = state.total.to("cpu", copy=True)
    processes.add_up(total)
    if not math.isfinite(total):
        raise ValueError(f"the training loss of epoch {place.number} is {float(total)}; look for outliers in {TABLE}")
    losses_H = torch.full((len(HEADS) + 1,), math.nan, dtype=torch.float64)
    if processes.own_number() == 0:
        found_H = losses_of(state.network, calibration)
        if found_H is not None:
            losses_H = torch.cat([found_H, total_loss(found_H).unsqueeze(0)])
    *heads, calibration_loss = processes.of_first(losses_H).tolist()
    is_known = not math.isnan(calibration_loss)
    losses = {head.name: loss for head, loss in zip(HEADS, heads, strict=True)} if is_known else {}
    mean, speed = float(total) / place.rows, place.rows / place.seconds
    state.total.zero_()
    place.end_epoch(Epoch(place.number, mean, calibration_loss if is_known else None, losses, speed))
    if place.best_epoch == len(place.epochs):
        state.best = copy.deepcopy(state.network.state_dict())
