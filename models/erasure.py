"""Which checkpoints were trained before a person was erased: no later night serves those.

Weights hold no rows, but they were fitted on them. The mark is an empty file in the checkpoint's folder, no part of
what its version is the hash of.
"""

from pathlib import Path

_MARK = "trained_before_an_erasure"


def mark_before_erasure(models_folder: Path) -> int:
    """Mark every checkpoint that there is; returns how many there are."""
    folders = [folder for folder in models_folder.glob("[0-9a-f]*") if folder.is_dir()]
    for folder in folders:
        (folder / _MARK).touch()
    return len(folders)


def is_before_erasure(folder: Path) -> bool:
    """Whether a person was erased after the checkpoint was trained."""
    return (folder / _MARK).exists()


def unmark(folder: Path) -> None:
    """Take the mark away: the same weights were trained again, on what is left."""
    (folder / _MARK).unlink(missing_ok=True)
