"""Statistics of the training rows that the first step needs: moments, quantiles and base rates."""
# ruff: noqa: N806 - shape suffixes are upper case: N rows, F features, H heads, Q quantiles, K shards, P processes

import math
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn.utils.rnn import pad_sequence

from contracts.features import Feature
from contracts.heads import BINARY_HEADS, HEADS
from contracts.metrics.position import mean_chance
from contracts.settings import TrainingMinimum
from models import processes
from models.calibration import Prior
from models.examples import FEATURES, NUM_INPUTS, TABLE, Examples, TooFewExamples
from models.network import QUANTILES, InputStatistics

QUANTILE_ROWS = 100_000


def unread(num_days: int | None) -> tuple[Feature, ...]:
    """Features of the calendar of whose period the training days do not span two.

    With one Saturday in the training days, a network cannot separate the weekday's effect from that day's chance, and
    would apply the noise to the next Saturday.
    """
    return () if num_days is None else tuple(feature for feature in FEATURES if num_days < 2 * feature.period_days)


@dataclass(frozen=True)
class Prepared:
    """Number of rows, in all and of each shard and process (K, P); prior of each head and input statistics."""

    num_examples: int
    priors: dict[str, Prior]
    shard_rows: Tensor
    statistics: InputStatistics


def prepare(training: Examples, unread: Sequence[Feature] = ()) -> Prepared:
    """Input moments, quantiles and base rates of the training rows of all processes; all get the same values.

    Raises ``TooFewExamples`` without enough positive labels.
    """
    rows, inverse_weights = [], torch.zeros((), dtype=torch.float64)
    totals_H, means_H, num_positives_H = (torch.zeros(len(HEADS), dtype=torch.float64) for _ in range(3))
    is_binary_H = torch.tensor([head.is_binary for head in HEADS])
    sum_F, squares_F = (torch.zeros(NUM_INPUTS, dtype=torch.float64) for _ in range(2))
    for shard in training:
        rows.append(shard.num_rows)
        weight_N, labels_NH = shard.weight.double(), shard.labels.double()
        totals_H += weight_N @ labels_NH
        means_H += weight_N @ torch.where(is_binary_H, labels_NH, labels_NH.expm1())
        num_positives_H += (labels_NH > 0).sum(0)
        inverse_weights += (1.0 / weight_N).sum()
        sum_F += shard.features.sum(0, dtype=torch.float64)
        squares_F += shard.features.double().square().sum(0)
    processes.add_up(totals_H, means_H, num_positives_H, inverse_weights, sum_F, squares_F)
    rows_KP = pad_sequence(processes.gathered(torch.tensor(rows, dtype=torch.int64)))
    count = int(rows_KP.sum())
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
    means_H = (means_H + 0.5) / (count + 1.0) * mean_chance(count, float(inverse_weights))
    stated = zip(HEADS, means_H.tolist(), num_positives_H.tolist(), strict=True)
    priors = {head.name: Prior(mean, positives, count) for head, mean, positives in stated}
    return Prepared(count, priors, rows_KP, InputStatistics(mean_F, std_F, base_H, quantiles_FQ))


def _quantiles(training: Examples, count: int) -> Tensor:
    """Quantiles (F, Q) of each input over at most about ``QUANTILE_ROWS`` rows, spread evenly over all."""
    every = max(1, count // QUANTILE_ROWS)
    own_NF = torch.cat([torch.zeros(0, NUM_INPUTS), *(shard.features[::every] for shard in training)])
    ordered_NF = torch.cat(processes.gathered(own_NF)).sort(dim=0).values
    places = torch.linspace(0, len(ordered_NF) - 1, QUANTILES, dtype=torch.float64).round().long()
    return ordered_NF[places].T.contiguous()
