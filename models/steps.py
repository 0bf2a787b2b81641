"""Steps of the optimiser: learning rate by step, clipped gradients."""

import math

import torch
from torch import Tensor

from models.network import Network
from models.preset import Preset


class Steps:
    """Adam under a preset's rules; one instance for all epochs of a training."""

    def __init__(self, network: Network, preset: Preset, num_examples: int) -> None:
        self._network, self._rules = network, preset.optimiser
        rules = preset.optimiser
        self._total = preset.epochs * max(1, math.ceil(num_examples / rules.batch_size))
        kind = torch.optim.AdamW if rules.weight_decay else torch.optim.Adam
        self._adam = kind(network.parameters(), lr=rules.learning_rate, weight_decay=rules.weight_decay)
        self._schedule = torch.optim.lr_scheduler.LambdaLR(self._adam, self.share)

    def share(self, step: int) -> float:
        """Share of the learning rate that a step, counted from 0, has."""
        warmup = int(self._rules.warmup_share * self._total)
        if step < warmup:
            return (step + 1) / (warmup + 1)
        if not self._rules.decays:
            return 1.0
        done = (step - warmup) / (self._total - warmup)
        return 0.5 * (1.0 + math.cos(math.pi * min(1.0, done)))

    def take(self, loss: Tensor) -> None:
        """One step down the gradient of ``loss``."""
        self._adam.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        torch.nn.utils.clip_grad_norm_(self._network.parameters(), self._rules.max_gradient_norm)
        self._adam.step()
        self._schedule.step()
