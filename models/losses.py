"""The multi-task loss: one term per head, weighted by task, and labels weighted by position."""
# ruff: noqa: N803, N806 - shape suffixes are upper case: N rows, H heads

from functools import cache

import torch
from torch import Tensor
from torch.nn import functional

from contracts.heads import HEADS, Head


def head_loss(head: Head, logits_N: Tensor, labels_N: Tensor, weight_N: Tensor) -> Tensor:
    """Loss of each row under one head, (N,): cross-entropy on logits, Huber on log1p(seconds).

    ``weight`` is 1 / P(examined). It multiplies what a label adds to the loss of a row without one, ``loss(logit, 0) +
    weight * (loss(logit, label) - loss(logit, 0))``: its expectation over whether the post was looked at is the loss as
    if everybody had looked at every position. A weight on the whole row does not do that (``docs/propensities.md``).
    For cross-entropy it is a target of ``weight * label``, which may exceed 1. Source: Saito, Yaginuma, Nishino, Sakata
    and Nakata, "Unbiased Recommender Learning from Missing-Not-At-Random Implicit Feedback", WSDM 2020.
    """
    if head.is_binary:
        return functional.binary_cross_entropy_with_logits(logits_N, weight_N * labels_N, reduction="none")
    seen_N = functional.huber_loss(logits_N, labels_N, reduction="none")
    unseen_N = functional.huber_loss(logits_N, torch.zeros_like(labels_N), reduction="none")
    return unseen_N + weight_N * (seen_N - unseen_N)


def head_losses(logits_NH: Tensor, labels_NH: Tensor, weight_N: Tensor) -> Tensor:
    """Mean loss of each head, shape (H,)."""
    columns = [head_loss(head, logits_NH[:, index], labels_NH[:, index], weight_N) for index, head in enumerate(HEADS)]
    return torch.stack(columns).mean(1)


def teacher_losses(logits_NH: Tensor, taught_NH: Tensor) -> Tensor:
    """Mean loss of each head against the outputs (N, H) of a teacher in place of labels, (H,).

    The target of a binary head is the teacher's probability, that of dwell its log1p(seconds). The teacher's own labels
    were weighted by position, so its outputs have no weight. Source: Hinton, Vinyals and Dean, "Distilling the
    Knowledge in a Neural Network", 2015, without a temperature.
    """
    targets_NH = torch.where(_are_binary(taught_NH.device), taught_NH.sigmoid(), taught_NH)
    return head_losses(logits_NH, targets_NH, torch.ones_like(targets_NH[:, 0]))


def total_loss(losses_H: Tensor) -> Tensor:
    """Sum of the head losses under the heads' task weights."""
    return (losses_H * _task_weights(losses_H.dtype, losses_H.device)).sum()


@cache
def _task_weights(dtype: torch.dtype, device: torch.device) -> Tensor:
    """Kept, because copying them to a GPU would wait for all that it has to do."""
    return torch.tensor([head.task_weight for head in HEADS], dtype=dtype, device=device)


@cache
def _are_binary(device: torch.device) -> Tensor:
    """Whether each head is binary, (H,); kept for the same reason."""
    return torch.tensor([head.is_binary for head in HEADS], device=device)
