"""Outputs of a model on the examples of some days, for calibration and metrics.

Both compare them with labels at the average place (``docs/evaluation.md``).
"""

import math
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from contracts.heads import HEADS
from contracts.metrics.auc import auc
from contracts.metrics.calibration import bins_of_scores, calibration_quality
from contracts.metrics.columns import Floats
from contracts.metrics.log_loss import log_loss
from contracts.metrics.position import at_average_place
from models.calibration import METHODS, HeadCalibration, Prior, calibrate, fit
from models.examples import Examples
from models.losses import head_losses
from models.model import Model

EVALUATION_ROWS = 8192


@dataclass(frozen=True)
class Outputs:
    """Outputs (N, H) of a model, labels (N, H) and weights (N,) of some days."""

    logits: Floats
    labels: Floats
    weights: Floats

    def with_rows_of(self, other: "Outputs") -> "Outputs":
        """The rows of both."""
        parts = zip(vars(self).values(), vars(other).values(), strict=True)
        return Outputs(*(np.concatenate(pair) for pair in parts))

    def target(self, index: int) -> Floats:
        """Labels of a head at the average place, (N,): 1 or 0 before that, or seconds."""
        labels = self.labels[:, index]
        return at_average_place(labels if HEADS[index].is_binary else np.expm1(labels), self.weights)


def predict(model: Model, examples: Examples) -> Outputs:
    """Outputs on all rows, in double precision for the statistics that follow."""
    nothing = np.zeros((0, len(HEADS)))
    logits, labels, weights = [nothing], [nothing], [nothing[:, 0]]
    for shard in examples:
        logits += [model.outputs(rows).numpy() for rows in torch.split(shard.features, EVALUATION_ROWS)]
        labels.append(shard.labels.numpy())
        weights.append(shard.weight.numpy())
    return Outputs(*(np.concatenate(parts).astype(np.float64) for parts in (logits, labels, weights)))


def losses_of(model: Model, examples: Examples) -> Tensor | None:
    """Mean loss of each head on all rows, (H,); None without rows."""
    outputs = predict(model, examples)
    if len(outputs.weights) == 0:
        return None
    return head_losses(*(torch.from_numpy(part) for part in (outputs.logits, outputs.labels, outputs.weights)))


def calibrate_heads(outputs: Outputs, priors: dict[str, Prior]) -> dict[str, HeadCalibration]:
    """The calibration of every head on these days; outputs that are not finite raise ``ValueError``."""
    return {
        head.name: fit(METHODS[head.kind], outputs.logits[:, index], outputs.target(index), priors[head.name])
        for index, head in enumerate(HEADS)
    }


def measure(
    outputs: Outputs, calibration: dict[str, HeadCalibration], num_bins: int
) -> dict[str, dict[str, float | None]]:
    """Metrics per head, corrected for position; ``None`` if one is undefined, as JSON has no NaN.

    ``auc`` and ``log_loss`` of the nightly evaluation and of ``promote`` are of labels as logged instead.
    """
    metrics: dict[str, dict[str, float | None]] = {}
    for index, head in enumerate(HEADS):
        predicted, observed = calibrate(calibration[head.name], outputs.logits[:, index]), outputs.target(index)
        values: dict[str, float | None] = {
            "mean_observed": _mean(observed),
            "mean_predicted": _mean(predicted),
            "num_positives": float((observed > 0).sum()),
            **calibration_quality(bins_of_scores(predicted, observed, num_bins, is_binary=head.is_binary)),
        }
        if head.is_binary:
            values["auc"] = auc(predicted, outputs.weights * outputs.labels[:, index])
            values["log_loss"] = log_loss(predicted, observed)
        else:
            square = _mean((np.log1p(predicted) - np.log1p(observed)) ** 2)
            values["rmse_log1p"] = None if square is None else math.sqrt(square)
        metrics[head.name] = values
    return metrics


def _mean(values: Floats) -> float | None:
    return float(values.mean()) if len(values) else None
