"""Training, calibration and hold-out evaluation of the ranker, deterministic for a seed and a snapshot."""
# ruff: noqa: N806 - shape suffixes are upper case: N rows, F features, H heads

import copy
import math
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from contracts.features import Feature
from contracts.heads import BINARY_HEADS, HEADS
from contracts.metrics.position import mean_chance
from contracts.settings import Evaluation, TrainingMinimum
from models.calibration import HeadCalibration, Prior
from models.loading import FEATURES, TABLE, Examples, Shard, TooFewExamples
from models.losses import head_losses, total_loss
from models.network import QUANTILES, InputStatistics, Network, by_entity
from models.networks import network_of
from models.outputs import Outputs, calibrate_heads, measure
from models.preset import Preset
from models.steps import Steps

EVALUATION_ROWS = 8192
QUANTILE_ROWS = 100_000


@dataclass(frozen=True)
class TrainingConfig:
    """How to train and measure: the preset, the seed of weights, dropout and row order, and bins of calibration.

    ``num_days`` is how many days the training rows span; None where that is long enough for every input.
    """

    preset: Preset
    seed: int
    calibration_bins: int = Evaluation.calibration_bins
    num_days: int | None = None


@dataclass(frozen=True)
class Epoch:
    """One pass: mean losses, per head on the calibration days, and the speed of training alone.

    Without calibration days there is no ``calibration_loss`` and no head's.
    """

    epoch: int
    training_loss: float
    calibration_loss: float | None
    losses: dict[str, float]
    rows_per_s: float


@dataclass(frozen=True)
class Trained:
    """The network of the best epoch, its calibrations (``CheckpointConfig``), and what the hold-out days say of it.

    ``metrics`` are those of ``judged_calibration``.
    """

    network: Network
    calibration: dict[str, HeadCalibration]
    judged_calibration: dict[str, HeadCalibration]
    metrics: dict[str, dict[str, float | None]]
    epochs: tuple[Epoch, ...]
    best_epoch: int
    num_examples: int


def train(
    training: Examples, calibration: Examples, holdout: Examples, config: TrainingConfig, report: Callable[[str], None]
) -> Trained:
    """Train, keep the epoch with the least loss on ``calibration``, calibrate there, measure on ``holdout``.

    After that it is calibrated once more, on all these days, for the nights that it will score.

    Raises ``TooFewExamples`` without enough positive labels, ``ValueError`` when the loss is no longer a number.
    """
    preset = config.preset
    torch.set_num_threads(preset.threads)
    torch.use_deterministic_algorithms(mode=True)
    torch.manual_seed(config.seed)
    network = network_of(preset.network)(preset.sizes)
    num_examples, priors = _prepare(network, training, unread(config.num_days))
    steps = Steps(network, preset, num_examples)
    epochs: list[Epoch] = []
    best: dict[str, Tensor] = {}
    for number in range(1, preset.epochs + 1):
        epochs.append(_run_epoch(network, steps, training, calibration, config=config, number=number))
        report(_progress(epochs[-1], preset.epochs))
        best_epoch = min(epochs, key=_badness).epoch
        if best_epoch == number:
            best = copy.deepcopy(network.state_dict())
        elif number - best_epoch >= preset.optimiser.patience:
            break  # the next epochs would fit the training days only
    network.load_state_dict(best)
    unseen, heldout = _predict(network, calibration), _predict(network, holdout)
    judged = calibrate_heads(unseen, priors)
    metrics = measure(heldout, judged, config.calibration_bins)
    newest = calibrate_heads(unseen.with_rows_of(heldout), priors)
    return Trained(network, newest, judged, metrics, tuple(epochs), best_epoch, num_examples)


def unread(num_days: int | None) -> tuple[Feature, ...]:
    """Features that follow the calendar and whose period the training days do not hold twice.

    A weekday that was seen once tells its own weather from no other: what a network learns of it is noise, and lands
    on the next one.
    """
    return () if num_days is None else tuple(feature for feature in FEATURES if num_days < 2 * feature.period_days)


def _prepare(network: Network, training: Examples, unread: Sequence[Feature] = ()) -> tuple[int, dict[str, Prior]]:
    """Set input moments and base rates from the training rows; return their number and what they say of each head."""
    count, inverse_weights = 0, 0.0
    totals_H, means_H, num_positives_H = (torch.zeros(len(HEADS), dtype=torch.float64) for _ in range(3))
    is_binary_H = torch.tensor([head.is_binary for head in HEADS])
    sum_F, squares_F = torch.zeros(()), torch.zeros(())
    for shard in training:
        count += shard.num_rows
        weight_N, labels_NH = shard.weight.double(), shard.labels.double()
        totals_H += weight_N @ labels_NH
        means_H += weight_N @ torch.where(is_binary_H, labels_NH, labels_NH.expm1())
        num_positives_H += (labels_NH > 0).sum(0)
        inverse_weights += float((1.0 / weight_N).sum())
        sum_F = sum_F + shard.features.sum(0, dtype=torch.float64)
        squares_F = squares_F + shard.features.double().square().sum(0)
    num_positives = int(num_positives_H[is_binary_H].sum())
    if num_positives < TrainingMinimum.POSITIVES:
        raise TooFewExamples(
            f"{TABLE}: {num_positives} positive labels ({', '.join(BINARY_HEADS)}) in {count} training rows; "
            f"at least {TrainingMinimum.POSITIVES} are needed"
        )
    mean_F = sum_F / count
    std_F = (squares_F / count - mean_F.square()).clamp_min(0).sqrt()
    std_F = torch.where(std_F < 1e-6, torch.ones(()), std_F)  # noqa: PLR2004 - a constant input stays a constant
    smoothed_H = (totals_H + 0.5) / (count + 1.0)  # a head without positives still gets a rate above zero
    base_H = torch.where(is_binary_H, torch.logit(smoothed_H), smoothed_H)
    quantiles_FQ = _quantiles(training, count)
    is_unread_F = torch.tensor([feature in unread for feature in FEATURES for _ in range(feature.size)])
    std_F[is_unread_F], quantiles_FQ[is_unread_F] = math.inf, 0.0
    network.prepare(InputStatistics(mean_F, std_F, base_H, quantiles_FQ))
    means_H = (means_H + 0.5) / (count + 1.0) * mean_chance(count, inverse_weights)
    stated = zip(HEADS, means_H.tolist(), num_positives_H.tolist(), strict=True)
    return count, {head.name: Prior(mean, positives, count) for head, mean, positives in stated}


def _quantiles(training: Examples, count: int) -> Tensor:
    """Quantiles (F, Q) of each input over at most about ``QUANTILE_ROWS`` rows, spread evenly over all."""
    every = max(1, count // QUANTILE_ROWS)
    rows_NF = torch.cat([shard.features[::every] for shard in training])
    ordered_NF = rows_NF.sort(dim=0).values
    places = torch.linspace(0, len(ordered_NF) - 1, QUANTILES, dtype=torch.float64).round().long()
    return ordered_NF[places].T.contiguous()


def _run_epoch(
    network: Network,
    steps: Steps,
    training: Examples,
    calibration: Examples,
    *,
    config: TrainingConfig,
    number: int,
) -> Epoch:
    network.train()
    generator = torch.Generator().manual_seed(config.seed * 1_000_003 + number)
    rules = config.preset.optimiser
    started, count, total = time.perf_counter(), 0, 0.0
    for shard in training:
        for features_NF, labels_NH, weight_N in _batches(shard, rules.batch_size, generator):
            loss = total_loss(head_losses(network(*by_entity(features_NF)), labels_NH, weight_N))
            steps.take(loss)
            total += float(loss.detach()) * len(weight_N)
            count += len(weight_N)
    if not math.isfinite(total):
        raise ValueError(f"the training loss of epoch {number} is {total}; look for outliers in {TABLE}")
    seconds = time.perf_counter() - started
    outputs = _predict(network, calibration)
    if len(outputs.weights) == 0:
        return Epoch(number, total / count, None, {}, count / seconds)
    losses_H = head_losses(*(torch.from_numpy(part) for part in (outputs.logits, outputs.labels, outputs.weights)))
    losses = {head.name: float(loss) for head, loss in zip(HEADS, losses_H, strict=True)}
    return Epoch(number, total / count, float(total_loss(losses_H)), losses, count / seconds)


def _batches(shard: Shard, size: int, generator: torch.Generator) -> Iterator[tuple[Tensor, Tensor, Tensor]]:
    """Batches of the shard in a fresh random order."""
    for rows in torch.split(torch.randperm(shard.num_rows, generator=generator), size):
        yield shard.features[rows], shard.labels[rows], shard.weight[rows]


def _predict(network: Network, examples: Examples) -> Outputs:
    """Outputs on all rows, in double precision for the statistics that follow."""
    network.eval()
    nothing = np.zeros((0, len(HEADS)))
    logits, labels, weights = [nothing], [nothing], [nothing[:, 0]]
    with torch.inference_mode():
        for shard in examples:
            logits += [network(*by_entity(rows)).numpy() for rows in torch.split(shard.features, EVALUATION_ROWS)]
            labels.append(shard.labels.numpy())
            weights.append(shard.weight.numpy())
    return Outputs(*(np.concatenate(parts).astype(np.float64) for parts in (logits, labels, weights)))


def _badness(epoch: Epoch) -> float:
    """What the best epoch has least of: the loss on the calibration days; without such days, the latest is best."""
    return -float(epoch.epoch) if epoch.calibration_loss is None else epoch.calibration_loss


def _progress(epoch: Epoch, num_epochs: int) -> str:
    said = f"epoch {epoch.epoch}/{num_epochs}  training {epoch.training_loss:.4f}  "
    if epoch.calibration_loss is not None:
        heads = "  ".join(f"{head} {loss:.4f}" for head, loss in epoch.losses.items())
        said += f"calibration {epoch.calibration_loss:.4f}  ({heads})  "
    return f"{said}{epoch.rows_per_s:,.0f} rows/s"
