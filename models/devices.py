"""Where a training runs: on cores, or on one GPU; and what makes it deterministic there."""

import os
from typing import Any

import torch

from models import processes

CPU = torch.device("cpu")


def device_of(name: str) -> torch.device:
    """The device called ``cpu`` or ``cuda``, ready for deterministic training.

    Raises ``ValueError`` if this machine has no such GPU, and for several processes, which sum their gradients on
    cores.
    """
    if name == "cpu":
        return CPU
    if processes.count() > 1:  # settings refuse it, but torchrun can be started by hand
        raise ValueError("a GPU trains in one process: set training.processes to 1, or training.device to cpu")
    os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")  # without it, equal products may round differently
    if not torch.cuda.is_available():
        built = "finds no GPU" if torch.version.cuda else "was built without CUDA"
        raise ValueError(f"training.device is {name}, but PyTorch {torch.__version__} {built}; set it to cpu")
    return torch.device(name)


def be_deterministic() -> None:
    """Use the algorithms that give equal sums for equal inputs, here and on a GPU."""
    torch.use_deterministic_algorithms(mode=True)
    deterministic: Any = torch.utils.deterministic
    deterministic.fill_uninitialized_memory = False  # every value is written before it is read


def random_state(device: torch.device) -> torch.Tensor:
    """State of the device's random numbers, from which dropout draws."""
    return torch.cuda.get_rng_state(device) if device.type == "cuda" else torch.get_rng_state()


def restore_random_state(device: torch.device, state: torch.Tensor) -> None:
    """Draw from a saved state on."""
    own = state.clone()  # torch reads past a view
    if device.type == "cuda":
        torch.cuda.set_rng_state(own, device)
    else:
        torch.set_rng_state(own)
