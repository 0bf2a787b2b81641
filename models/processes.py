"""The processes that train one model together: this process's number, and sums over all of them.

``torchrun`` starts them and sets the number of each in the environment; without it there is one. All take the same
steps in the same order, and a sum adds its numbers in a fixed order, independent of earlier sums. So a training that
resumes after a kill gets the same sums as one that was not killed.
"""

import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import torch
import torch.distributed as dist
from torch import Tensor

_PATIENCE = timedelta(hours=12)
"""The others wait while the first reads and measures the calibration days; if one fails, torchrun ends all."""


@contextmanager
def joined() -> Iterator[None]:
    """Join the processes that torchrun started; without torchrun, run alone."""
    if int(os.environ.get("WORLD_SIZE", "1")) == 1:
        yield
        return
    dist.init_process_group("gloo", timeout=_PATIENCE)
    try:
        yield
    finally:
        dist.destroy_process_group()


def count() -> int:
    """Number of processes that train together."""
    return dist.get_world_size() if dist.is_available() and dist.is_initialized() else 1


def own_number() -> int:
    """Number of this process, from 0; process 0 reports, writes and registers."""
    return dist.get_rank() if count() > 1 else 0


def add_up(*tensors: Tensor) -> None:
    """Replace each tensor by its sum over the processes."""
    if count() > 1:
        for tensor in tensors:
            dist.all_reduce(tensor)


def add_up_gradients(parameters: Iterable[Tensor]) -> None:
    """Replace each gradient by its sum over the processes, all in one message."""
    if count() == 1:
        return
    gradients = [parameter.grad for parameter in parameters if parameter.grad is not None]
    flat = torch.cat([gradient.flatten() for gradient in gradients])
    dist.all_reduce(flat)
    parts = torch.split(flat, [gradient.numel() for gradient in gradients])
    for gradient, part in zip(gradients, parts, strict=True):
        gradient.copy_(part.view_as(gradient))


class _Sum(torch.autograd.Function):
    """Sum over the processes; the gradient of one process's number is the sum over all processes' losses, too."""

    @staticmethod
    def forward(_: Any, value: Tensor) -> Tensor:
        total = value.clone()
        dist.all_reduce(total)
        return total

    @staticmethod
    def backward(_: Any, *gradients: Tensor) -> Tensor:
        total = gradients[0].contiguous().clone()
        dist.all_reduce(total)
        return total


def summed(value: Tensor) -> Tensor:
    """Sum over the processes, through which gradients flow."""
    if count() == 1:
        return value
    total: Tensor = _Sum.apply(value)
    return total


def gathered(rows: Tensor) -> list[Tensor]:
    """The rows (N, ...) of each process, in the order of the processes; N may differ."""
    if count() == 1:
        return [rows]
    sizes = [torch.zeros(1, dtype=torch.int64) for _ in range(count())]
    dist.all_gather(sizes, torch.tensor([len(rows)]))
    most = int(max(sizes))
    padded = torch.cat([rows, rows.new_zeros((most - len(rows), *rows.shape[1:]))])
    parts = [torch.empty_like(padded) for _ in range(count())]
    dist.all_gather(parts, padded)
    return [part[: int(size)] for part, size in zip(parts, sizes, strict=True)]


def of_first(values: Tensor) -> Tensor:
    """The values of the first process; all processes must pass equally many."""
    if count() > 1:
        dist.broadcast(values, src=0)
    return values
