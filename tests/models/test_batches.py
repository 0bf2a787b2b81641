from collections.abc import Sequence
from typing import Any, cast

import pytest
import torch

from contracts.heads import HEADS
from models import processes
from models.batches import Batch, Plan, batches
from models.examples import NUM_INPUTS, Examples, Shard


def shard(first: int, num_rows: int) -> Shard:
    """Rows whose weights are consecutive numbers."""
    weight = torch.arange(first, first + num_rows, dtype=torch.float32)
    return Shard(torch.zeros(num_rows, NUM_INPUTS), torch.zeros(num_rows, len(HEADS)), weight)


def taken(shards: Sequence[Shard], plan: Plan, skip: int = 0) -> list[Batch]:
    return list(batches(cast("Examples", shards), plan, torch.Generator().manual_seed(1), skip))


def test_one_process_takes_full_batches_and_what_is_left() -> None:
    plan = Plan(torch.tensor([[1050], [300]]), 256)
    found = taken([shard(0, 1050), shard(2000, 300)], plan)
    assert [len(batch.weight) for batch in found] == [256, 256, 256, 256, 26, 256, 44]
    assert all(batch.num_rows == len(batch.weight) for batch in found)
    assert sorted(torch.cat([batch.weight for batch in found]).tolist()) == [*range(1050), *range(2000, 2300)]


@pytest.mark.parametrize("rows", [[700, 300], [1000, 0], [1, 999], [333, 333, 334], [5, 0, 1], [256, 256]])
def test_every_process_has_as_many_batches_and_gives_all_its_rows(rows: list[int]) -> None:
    shares = Plan(torch.tensor([rows]), 256).shares(0)
    assert shares.shape == (-(-sum(rows) // 256), len(rows))
    assert shares.sum(0).tolist() == rows
    assert bool((shares.sum(1) < 256 + len(rows)).all())
    assert bool((shares.sum(1) > 0).all())


def test_a_process_whose_shards_are_used_up_takes_empty_batches(monkeypatch: Any) -> None:
    monkeypatch.setattr(processes, "own_number", lambda: 1)
    plan = Plan(torch.tensor([[600, 100], [500, 0]]), 256)
    found = taken([shard(0, 100)], plan)
    assert [batch.num_rows for batch in found] == [257, 257, 186, 256, 244]
    assert [len(batch.weight) for batch in found] == [37, 37, 26, 0, 0]


@pytest.mark.parametrize("skip", [1, 4, 5, 6, 7])
def test_what_is_skipped_leaves_the_others_as_they_were(skip: int) -> None:
    plan = Plan(torch.tensor([[1050], [300]]), 256)
    shards = [shard(0, 1050), shard(2000, 300)]
    whole, rest = taken(shards, plan), taken(shards, plan, skip)
    assert [batch.weight.tolist() for batch in rest] == [batch.weight.tolist() for batch in whole[skip:]]
