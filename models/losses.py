"""The multi-task loss: one term per head, weighted by task and by example."""
# ruff: noqa: N803 - shape suffixes are upper case: N rows, H heads

import torch
from torch import Tensor
from torch.nn import functional

from contracts.features import HEADS

TASK_WEIGHTS: dict[str, float] = {"like": 1.0, "comment": 2.0, "share": 3.0, "hide": 2.0, "report": 2.0, "dwell": 0.5}
BINARY_HEADS: tuple[str, ...] = tuple(head for head in HEADS if head != "dwell")
DWELL = HEADS.index("dwell")


def head_losses(logits_NH: Tensor, labels_NH: Tensor, weight_N: Tensor) -> Tensor:
    """Weighted mean loss of each head, shape (H,): cross-entropy on logits, Huber on log1p(seconds) for dwell."""
    columns = [
        functional.huber_loss(logits_NH[:, index], labels_NH[:, index], reduction="none")
        if index == DWELL
        else functional.binary_cross_entropy_with_logits(logits_NH[:, index], labels_NH[:, index], reduction="none")
        for index in range(len(HEADS))
    ]
    return (torch.stack(columns) * weight_N).sum(1) / weight_N.sum()


def total_loss(losses_H: Tensor) -> Tensor:
    """Sum of the head losses under ``TASK_WEIGHTS``."""
    return (losses_H * torch.tensor([TASK_WEIGHTS[head] for head in HEADS], dtype=losses_H.dtype)).sum()
