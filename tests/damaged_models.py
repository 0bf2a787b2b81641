"""Ways in which the folder of a trained model becomes useless, and the reason that a later training gives."""

from collections.abc import Callable
from pathlib import Path

from models.erasure import mark_before_erasure
from models.network import WEIGHTS_FILE


def lose(folder: Path) -> None:
    (folder / WEIGHTS_FILE).unlink()


def truncate(folder: Path) -> None:
    (folder / WEIGHTS_FILE).write_bytes((folder / WEIGHTS_FILE).read_bytes()[:-9])


def erase(folder: Path) -> None:
    mark_before_erasure(folder.parent)


DAMAGES: tuple[tuple[Callable[[Path], None], str], ...] = (
    (lose, "cannot be loaded: FileNotFoundError"),
    (truncate, "cannot be loaded: ValueError"),
    (erase, "was trained before a person was erased"),
)
