"""One pass over the training rows in batches that all processes take together.

Shape suffixes: K shards, P processes, N rows, F features, H heads.
"""
# ruff: noqa: N806 - shape suffixes are upper case

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import zip_longest

import torch
from torch import Tensor

from contracts.heads import HEADS
from models import processes
from models.devices import CPU
from models.examples import NUM_INPUTS, Examples, Shard


@dataclass(frozen=True)
class Batch:
    """This process's rows of a batch, maybe none, as a ``Shard`` has them; ``num_rows`` are those of all processes."""

    features: Tensor
    labels: Tensor
    weight: Tensor
    num_rows: int


@dataclass(frozen=True)
class Plan:
    """How the processes share each batch: ``shard_rows`` (K, P) are the rows of each shard of each process.

    A process takes its share of the shard's rows for each batch. So all processes have the same number of batches, even
    if rows are spread unevenly; a batch has about ``batch_size`` rows in all, the last one fewer.
    """

    shard_rows: Tensor
    batch_size: int

    def shares(self, shard: int) -> Tensor:
        """Number of rows of each batch that each process has, (batches, P)."""
        rows_P = self.shard_rows[shard]
        total = int(rows_P.sum())
        share_P = -(-rows_P * self.batch_size // total)
        starts_B1 = torch.arange(-(-total // self.batch_size)).unsqueeze(1)
        return torch.minimum((rows_P - starts_B1 * share_P).clamp_min(0), share_P)


def batches(
    examples: Examples, plan: Plan, generator: torch.Generator, skip: int = 0, device: torch.device = CPU
) -> Iterator[Batch]:
    """Every batch but the first ``skip``, on a device that takes a whole shard.

    Each shard is in a fresh random order, which ``generator`` draws.
    """
    for number, shard in zip_longest(range(len(plan.shard_rows)), examples, fillvalue=None):
        assert number is not None, "a shard that was not there when rows were counted"
        rows = (_nothing() if shard is None else shard).on(device)
        shares_BP = plan.shares(number)
        order = torch.randperm(rows.num_rows, generator=generator).to(device)
        parts = torch.split(order, shares_BP[:, processes.own_number()].tolist())
        for places, num_rows in list(zip(parts, shares_BP.sum(1).tolist(), strict=True))[skip:]:
            yield Batch(rows.features[places], rows.labels[places], rows.weight[places], num_rows)
        skip = max(0, skip - len(parts))


def _nothing() -> Shard:
    """The shard of a process whose rows are used up."""
    return Shard(torch.zeros(0, NUM_INPUTS), torch.zeros(0, len(HEADS)), torch.zeros(0))
