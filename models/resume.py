"""The state from which a killed training resumes: one file, written whole or not at all, removed when training ends.

The file is the SHA-256 of the rest, a line end, and tensors in the safetensors format; one of them holds JSON. It is no
checkpoint: only the same training reads it.
"""

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load as load_tensors
from safetensors.torch import save as save_tensors
from torch import Tensor

from contracts.folders import Folder
from contracts.settings.hashes import hash_of
from models.erasure import remove_state

_CONTENT = "content"
_PACKAGES = ("contracts", "models", "storage")
FROM_NOTHING = "training starts from its first step"


@dataclass(frozen=True)
class Saved:
    """A saved state: tensors by name, and the JSON value ``content``."""

    tensors: dict[str, Tensor]
    content: dict[str, Any]


@dataclass(frozen=True)
class ResumeFile:
    """The file in which a training keeps its state, beside the checkpoints, where an erasure finds it.

    ``key`` is ``training_key``, ``every`` the number of steps between two writes.
    """

    artefacts: Folder
    name: str
    key: str
    every: int

    def read(self) -> tuple[Saved | None, str]:
        """The state of this training or None, and a message for the log, empty if there is no file."""
        try:
            data = self.artefacts.read(self.name)
        except FileNotFoundError:
            return None, ""
        digest, _, payload = data.partition(b"\n")
        if hashlib.sha256(payload).hexdigest().encode() != digest:
            return None, f"{self} is cut short or was changed, and is not used; {FROM_NOTHING}"
        tensors = load_tensors(payload)
        content = json.loads(bytes(tensors.pop(_CONTENT).numpy()))
        if content.pop("key") != self.key:
            return None, f"{self} is of other rows, settings or code, and is not used; {FROM_NOTHING}"
        return Saved(tensors, content), f"training was cut off and goes on from {self}"

    def write(self, saved: Saved) -> None:
        """Replace the file: a reader sees the old state or the new one."""
        text = json.dumps(saved.content | {"key": self.key}, allow_nan=False)
        content = torch.frombuffer(bytearray(text.encode()), dtype=torch.uint8)
        tensors = {name: value.contiguous() for name, value in saved.tensors.items()}
        payload = save_tensors(tensors | {_CONTENT: content})
        self.artefacts.write(self.name, hashlib.sha256(payload).hexdigest().encode() + b"\n" + payload)

    def remove(self) -> None:
        """Remove the file, if there is one."""
        remove_state(self.artefacts, self.name)

    def __str__(self) -> str:
        """The file's location, for messages."""
        return str(self.artefacts.place.below(self.name))


def training_key(**decisive: Any) -> str:
    """Hash of everything that determines the result of a training: the arguments, the code and the version of torch."""
    return hash_of({**decisive, "code": code_hash(Path(__file__).resolve().parents[1]), "torch": torch.__version__})


def code_hash(root: Path) -> str:
    """SHA-256 over the Python files of training under ``root``: a changed working tree is another training."""
    digest = hashlib.sha256()
    for path in sorted(path for package in _PACKAGES for path in (root / package).rglob("*.py")):
        content = path.read_bytes()
        digest.update(f"{path.relative_to(root)}\0{len(content)}\0".encode() + content)
    return digest.hexdigest()
