"""``make bench K=gpu``: training and scoring of preset ``full`` on one CUDA GPU, in bfloat16 and in float32.

``PRESET=deep_cross`` measures that preset, of the same network.

Needs PyTorch with CUDA, NumPy and PyArrow: ``PYTHONPATH=. python benchmarks/gpu.py`` on a machine that has them. It
writes ``ROWS`` random examples as Parquet and reads them by Arrow, so *read* says how long the first pass waits for a
disk. *Train* are steps of the preset's batches, as a training takes them: rows in random order, losses, clipped
gradients, Adam. *Score* are parts per pair, users and posts computed before: of one user's 500 candidates in each call,
and of 64 K pairs of many users. ``share`` is the share of the fastest product of two matrices of 8,192 that this GPU
computes in bfloat16; only the weights' products count as operations. ``value`` is training samples per second in
bfloat16.
"""
# ruff: noqa: N806 - shape suffixes are upper case: N rows, F features, D numbers that are multiplied, S projection

import json
import os
import platform
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet
import torch

from contracts.heads import HEADS
from contracts.places import Place
from models.batches import Plan, batches
from models.devices import be_deterministic, device_of
from models.examples import FEATURES, Examples
from models.network import NUM_CROSS, NUM_POST, NUM_USER, Network
from models.networks import network_of
from models.preparing import Prepared, prepare
from models.preset import Preset
from models.presets import preset_of
from models.readers import read_by_arrow
from models.steps import Steps

ROWS = int(os.environ.get("ROWS") or 400_000)
SEED = 20
SQUARE = 8192
WARM_CALLS = 5
NUM_PASSES = 4
USERS, POSTS, CANDIDATES = 512, 100_000, 500
PAIRS = 65_536


def main() -> None:
    """Print a line per measurement, then one JSON line."""
    try:
        device = device_of("cuda")
    except ValueError as error:
        sys.exit(f"gpu: {error}")
    be_deterministic()
    preset = preset_of(os.environ.get("PRESET") or "full")
    assert isinstance(preset, Preset), "trees are not trained on a GPU"
    peaks = {kind: product_speed(device, dtype) for kind, dtype in (("bf16", torch.bfloat16), ("fp32", torch.float32))}
    say(**{f"{kind} product of {SQUARE}": f"{speed / 1e12:,.0f} TFLOP/s" for kind, speed in peaks.items()})
    with tempfile.TemporaryDirectory() as folder:
        files = write_examples(Path(folder), ROWS)
        examples = Examples(files, read=read_by_arrow)
        started = time.perf_counter()
        prepared = prepare(examples)
        reading = time.perf_counter() - started
        found: dict[str, Any] = {"rows": ROWS, "read_and_prepare_s": round(reading, 1)}
        say(read=f"{ROWS / reading:,.0f} rows/s with their statistics")
        for kind in ("bf16", "fp32"):
            found[kind] = trained = train(preset, prepared, examples, device, bf16=kind == "bf16", peak=peaks["bf16"])
            say(train=kind, **{name: f"{value:,.4g}" for name, value in trained.items()})
    network = network_for(preset, prepared, device)
    for kind in ("bf16", "fp32"):
        found[kind] |= score(network, device, bf16=kind == "bf16", peak=peaks["bf16"])
        say(score=kind, **{name: f"{value:,.4g}" for name, value in found[kind].items() if "pairs" in name})
    found |= {"preset": preset.name, "parameters": sum(part.numel() for part in network.parameters())}
    found |= {f"{kind}_product_tflop_per_s": round(speed / 1e12, 1) for kind, speed in peaks.items()}
    machine = {"gpu": torch.cuda.get_device_name(), "torch": torch.__version__, "python": platform.python_version()}
    value = round(found["bf16"]["train_samples_per_s"])
    print(json.dumps({"metric": "train_samples_per_s", "value": value, **found, **machine}))


def say(**words: str) -> None:
    """Print one line."""
    print("  ".join(f"{name} {value}" for name, value in words.items()), flush=True)


def seconds_of(work: Callable[[], Any], times: int = 20) -> float:
    """Median seconds of the GPU for one call, after some that do not count."""
    event: Any = torch.cuda.Event
    taken: list[float] = []
    for _ in range(times + WARM_CALLS):
        start, end = (event(enable_timing=True) for _ in range(2))
        start.record()
        work()
        end.record()
        torch.cuda.synchronize()
        taken.append(start.elapsed_time(end) / 1000)
    return statistics.median(taken[WARM_CALLS:])


def product_speed(device: torch.device, dtype: torch.dtype) -> float:
    """Operations per second of one large product of random numbers."""
    left, right = (torch.randn(SQUARE, SQUARE, device=device, dtype=dtype) for _ in range(2))
    return 2.0 * SQUARE**3 / seconds_of(lambda: left @ right)


def operations_of(weights: Iterator[torch.nn.Parameter]) -> float:
    """Operations for one row to pass the weights forward."""
    return 2.0 * sum(weight.numel() for weight in weights if weight.dim() > 1)


def write_examples(folder: Path, num_rows: int, num_files: int = 4) -> Sequence[Place]:
    """Random examples as the lake keeps them: one column per feature, lists for vectors, labels, weight."""
    generator, places = np.random.default_rng(SEED), []
    for number in range(num_files):
        count = num_rows // num_files
        columns: dict[str, Any] = {"example_id": [f"{number}-{row:07d}" for row in range(count)]}
        for feature in FEATURES:
            values = generator.random(count * feature.size, dtype=np.float32)
            starts = np.arange(0, count * feature.size + 1, feature.size, dtype=np.int32)
            columns[feature.example_column] = pa.ListArray.from_arrays(starts, values) if feature.size > 1 else values
        for head in HEADS:
            is_positive = generator.random(count, dtype=np.float32) < np.float32(0.1)
            columns[head.label_column] = is_positive.astype(np.float32) * (1.0 if head.is_binary else 3.0)
        columns["weight"] = np.ones(count, dtype=np.float32)
        path = folder / f"{number}.parquet"
        pyarrow.parquet.write_table(pa.table(columns), path, row_group_size=50_000)
        places.append(Place.parse(path))
    return places


def network_for(preset: Preset, prepared: Prepared, device: torch.device) -> Network:
    """A network as training begins with it."""
    torch.manual_seed(SEED)
    network = network_of(preset.network)(preset.sizes)
    network.prepare(prepared.statistics)
    return network.to(device)


def train(
    preset: Preset, prepared: Prepared, examples: Examples, device: torch.device, *, bf16: bool, peak: float
) -> dict[str, float]:
    """Samples per second of some passes after the first, which compiles; and the loss of the last batch."""
    network = network_for(preset, prepared, device).train()
    steps = Steps(network, preset, prepared.num_examples, bf16=bf16)
    plan = Plan(prepared.shard_rows, preset.optimiser.batch_size)
    generator = torch.Generator().manual_seed(SEED)
    taken, loss = [], torch.zeros(())
    for _ in range(1 + NUM_PASSES):
        started = time.perf_counter()
        for batch in batches(examples, plan, generator, device=device):
            loss = steps.loss(batch)
            steps.take(loss)
        torch.cuda.synchronize()
        taken.append(time.perf_counter() - started)
    speed = NUM_PASSES * prepared.num_examples / sum(taken[1:])
    operations = 3.0 * operations_of(network.parameters())  # forward, and back to the inputs and to the weights
    return {
        "train_samples_per_s": speed,
        "train_share": speed * operations / peak,
        "train_first_pass_s": taken[0],
        "train_loss": float(loss.detach()),
        "train_gpu_gib": torch.cuda.max_memory_allocated() / 2**30,
    }


def score(network: Network, device: torch.device, *, bf16: bool, peak: float) -> dict[str, float]:
    """Pairs per second of the parts per pair, one user in a call and many, and the share of the latter."""
    parts = network.eval().parts()
    generator = torch.Generator(device).manual_seed(SEED)
    assert parts.user is not None, "a network without a part per user"
    assert parts.post is not None, "a network without a part per post"

    def random(rows: int, columns: int) -> torch.Tensor:
        return torch.rand(rows, columns, generator=generator, device=device)

    def places(high: int, count: int) -> torch.Tensor:
        return torch.randint(high, (count,), generator=generator, device=device)

    with torch.inference_mode(), torch.autocast(device.type, torch.bfloat16, enabled=bf16):
        user_ND, user_NS = parts.user(random(USERS, NUM_USER))
        posts = [parts.post(rows) for rows in torch.split(random(POSTS, NUM_POST), 10_000)]
        post_ND, post_NS = (torch.cat(part) for part in zip(*posts, strict=True))
        cross_NC = random(PAIRS, NUM_CROSS)
        own, many, users = places(POSTS, CANDIDATES), places(POSTS, PAIRS), places(USERS, PAIRS)

        def one_user() -> None:
            parts.pair(user_ND[0], user_NS[0], post_ND[own], post_NS[own], cross_NC[:CANDIDATES])

        def many_users() -> None:
            parts.pair(user_ND[users], user_NS[users], post_ND[many], post_NS[many], cross_NC)

        one, together = CANDIDATES / seconds_of(one_user, 100), PAIRS / seconds_of(many_users)
    sides = ("user_shared", "post_shared", "user_factors", "post_factors")
    operations = operations_of(value for name, value in network.named_parameters() if not name.startswith(sides))
    return {"pairs_per_s_one_user": one, "pairs_per_s": together, "pairs_share": together * operations / peak}


if __name__ == "__main__":
    main()
