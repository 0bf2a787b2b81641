"""Two real processes: what they come to is what one comes to with the rows of both."""

import multiprocessing
import os
import socket
from collections.abc import Callable
from pathlib import Path
from typing import Any, cast

import pytest
import torch

from models import processes
from models.batches import Batch
from models.examples import Examples, Shard
from models.layers import ColumnNorm
from models.network import Network
from models.preparing import prepare
from models.steps import Steps
from tests.model_examples import DAYS, make_network, network_preset, untrained
from tests.models.test_training import _InMemory

PRESETS = ("deep_cross", "light", "tiny")


def in_processes(num: int, function: Callable[..., None], *words: Any) -> None:
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        port = held.getsockname()[1]
    context = multiprocessing.get_context("spawn")
    processes = [context.Process(target=_join, args=(rank, num, port, function, words)) for rank in range(num)]
    for process in processes:
        process.start()
    for process in processes:
        process.join()
    assert [process.exitcode for process in processes] == [0] * num


def _join(rank: int, num: int, port: int, function: Callable[..., None], words: tuple[Any, ...]) -> None:
    os.environ |= {"RANK": str(rank), "WORLD_SIZE": str(num), "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(port)}
    torch.set_num_threads(1)
    with processes.joined():
        function(*words)


def rows() -> Shard:
    return next(iter(_InMemory(DAYS[:1], num_rows=500)))


def part(shard: Shard, places: slice) -> Shard:
    return Shard(shard.features[places], shard.labels[places], shard.weight[places])


def undropped(preset: str) -> Network:
    """A network with the moments of all rows that are this process's, without dropout, which differs."""
    torch.manual_seed(3)
    network = untrained(preset)
    for module in network.modules():
        if isinstance(module, torch.nn.Dropout):
            module.p = 0.0
    return network


def learned(preset: str, own: Shard, batches: list[tuple[Shard, int]]) -> dict[str, torch.Tensor]:
    """Prepare, then add up the gradients of each batch; this process has ``own`` of all rows."""
    network = undropped(preset)
    prepared = prepare(cast("Examples", [own]))
    network.prepare(prepared.statistics)
    steps = Steps(network, network_preset(preset), prepared.num_examples, teacher=make_network("tiny"))
    found = {"rows": torch.tensor(prepared.num_examples)}
    for number, (shard, num_rows) in enumerate(batches):
        network.zero_grad()
        loss = steps.loss(Batch(shard.features, shard.labels, shard.weight, num_rows))
        loss.backward()  # type: ignore[no-untyped-call]
        processes.add_up_gradients(network.parameters())
        found |= {
            f"{number} {name}": value.grad for name, value in network.named_parameters() if value.grad is not None
        }
    return found | {name: value.clone() for name, value in network.named_buffers()}


def learn_together(folder: str) -> None:
    rank, shard = processes.own_number(), rows()
    own = part(shard, slice(0, 320) if rank == 0 else slice(320, 500))
    for preset in PRESETS:
        batches = []
        for first in (0, 1, 36):
            here = slice(0, first) if rank == 0 else slice(first, 137)
            batches.append((part(shard, here), 137))
        torch.save(learned(preset, own, batches), f"{folder}/{preset}{rank}.pt")


def test_two_processes_learn_what_one_learns_from_the_rows_of_both(tmp_path: Path) -> None:
    in_processes(2, learn_together, str(tmp_path))
    for preset in PRESETS:
        first, second = (torch.load(tmp_path / f"{preset}{rank}.pt") for rank in (0, 1))
        alone = learned(preset, rows(), [(part(rows(), slice(137)), 137)] * 3)
        assert first.keys() == second.keys() == alone.keys()
        for name, wanted in alone.items():
            assert torch.equal(first[name], second[name]), name
            assert torch.allclose(first[name], wanted, rtol=2e-4, atol=2e-6), name


def test_one_process_alone_normalises_as_torch_does() -> None:
    own, torchs = ColumnNorm(3), torch.nn.BatchNorm1d(3)
    values = torch.randn(20, 3)
    assert torch.equal(own(values), torchs(values))
    assert processes.count() == 1
    assert processes.gathered(values) == [values]


def test_a_single_row_is_taken_as_when_scoring() -> None:
    norm = ColumnNorm(3)
    values = torch.randn(1, 3)
    assert torch.equal(norm(values), norm.eval()(values))


@pytest.mark.parametrize("world", [None, "1"])
def test_without_torchrun_there_is_one_process(monkeypatch: pytest.MonkeyPatch, world: str | None) -> None:
    monkeypatch.delenv("WORLD_SIZE", raising=False)
    if world:
        monkeypatch.setenv("WORLD_SIZE", world)
    with processes.joined():
        assert (processes.own_number(), processes.count()) == (0, 1)
