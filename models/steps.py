"""Steps of the optimiser: losses of batches, learning rate by step, clipped gradients."""
# ruff: noqa: N806 - shape suffixes are upper case: N rows, H heads

import math
from typing import Any

import torch
from torch import Tensor

from models import processes
from models.batches import Batch
from models.losses import head_losses, teacher_losses, total_loss
from models.model import Model
from models.network import Network, by_entity
from models.preset import Preset


class Steps:
    """Adam under a preset's rules; one instance for all epochs of a training. ``taken`` counts the steps so far.

    A GPU runs a compiled form of the network, which takes some seconds at the first step. With ``bf16``, matrix
    products on the way to the logits are computed in bfloat16; weights, their gradients and the losses stay in float32.
    A preset with a ``teacher_share`` needs a ``teacher``; of other presets it is not asked.
    """

    def __init__(
        self,
        network: Network,
        preset: Preset,
        num_examples: int,
        *,
        bf16: bool = False,
        teacher: Model | None = None,
    ) -> None:
        if preset.teacher_share > 0 and teacher is None:
            raise ValueError(f"preset {preset.name} learns from a teacher, and none is given")
        self._network, self._rules = network, preset.optimiser
        self._teacher, self._teacher_share = teacher, preset.teacher_share
        is_gpu = network.device.type == "cuda"
        self._logits: Any = torch.compile(network) if is_gpu else network
        self._autocast = torch.autocast(network.device.type, torch.bfloat16, enabled=bf16)
        rules = preset.optimiser
        self._total = preset.epochs * max(1, math.ceil(num_examples / rules.batch_size))
        kind = torch.optim.AdamW if rules.weight_decay else torch.optim.Adam
        self._adam = kind(
            network.parameters(),
            lr=rules.learning_rate,
            weight_decay=rules.weight_decay,
            fused=is_gpu or None,
        )
        self.taken = 0

    def share(self, step: int) -> float:
        """Factor of the learning rate at a step, counted from 0."""
        warmup = int(self._rules.warmup_share * self._total)
        if step < warmup:
            return (step + 1) / (warmup + 1)
        if not self._rules.decays:
            return 1.0
        done = (step - warmup) / (self._total - warmup)
        return 0.5 * (1.0 + math.cos(math.pi * min(1.0, done)))

    def loss(self, batch: Batch) -> Tensor:
        """What this process's rows add to the mean loss of the batch."""
        with self._autocast:
            logits_NH: Tensor = self._logits(*by_entity(batch.features)).float()
        if len(batch.weight) == 0:
            return logits_NH.sum()  # nothing, but the network sums with the other processes on the way back, too
        losses_H = head_losses(logits_NH, batch.labels, batch.weight)
        if self._teacher is not None and self._teacher_share > 0:
            taught_NH = self._teacher.outputs(batch.features).to(logits_NH.device)
            losses_H = torch.lerp(losses_H, teacher_losses(logits_NH, taught_NH), self._teacher_share)
        return total_loss(losses_H) * (len(batch.weight) / batch.num_rows)

    def take(self, loss: Tensor) -> None:
        """One step down the gradient of ``loss``, summed over the processes."""
        for group in self._adam.param_groups:
            group["lr"] = self._rules.learning_rate * self.share(self.taken)
        self._adam.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        processes.add_up_gradients(self._network.parameters())
        torch.nn.utils.clip_grad_norm_(self._network.parameters(), self._rules.max_gradient_norm)
        self._adam.step()
        self.taken += 1

    def moments(self) -> dict[str, Tensor]:
        """What Adam remembers of each parameter, as ``<number of the parameter>.<name>``."""
        state = self._adam.state_dict()["state"]
        return {f"{number}.{name}": value for number, values in state.items() for name, value in values.items()}

    def restore(self, moments: dict[str, Tensor], taken: int) -> None:
        """Go on after ``taken`` steps, with the ``moments`` that Adam had then."""
        state: dict[int, dict[str, Tensor]] = {}
        for key, value in moments.items():
            number, name = key.split(".")
            state.setdefault(int(number), {})[name] = value
        self._adam.load_state_dict({"state": state, "param_groups": self._adam.state_dict()["param_groups"]})
        self.taken = taken
