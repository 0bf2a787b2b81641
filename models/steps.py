"""Steps of the optimiser: learning rate by step, clipped gradients."""

import math

import torch
from torch import Tensor

from models import processes
from models.network import Network
from models.preset import Preset


class Steps:
    """Adam under a preset's rules; one instance for all epochs of a training. ``taken`` counts the steps so far."""

    def __init__(self, network: Network, preset: Preset, num_examples: int) -> None:
        self._network, self._rules = network, preset.optimiser
        rules = preset.optimiser
        self._total = preset.epochs * max(1, math.ceil(num_examples / rules.batch_size))
        kind = torch.optim.AdamW if rules.weight_decay else torch.optim.Adam
        self._adam = kind(network.parameters(), lr=rules.learning_rate, weight_decay=rules.weight_decay)
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
