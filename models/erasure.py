"""Which checkpoints were trained before a person was erased: no later night serves those.

Weights hold no rows, but they were fitted on them. The mark is an empty file in the checkpoint's folder, no part of
what its version is the hash of.
"""

from contracts.folders import Folder, as_folder
from contracts.places import Location

_MARK = "trained_before_an_erasure"


def mark_before_erasure(artefacts: Folder | Location) -> int:
    """Mark every checkpoint that there is; returns how many there are."""
    opened = as_folder(artefacts)
    versions = [name for name in opened.folders() if not name.startswith(".")]
    for version in versions:
        opened.below(version).write(_MARK, b"")
    return len(versions)


def is_before_erasure(checkpoint: Folder | Location) -> bool:
    """Whether a person was erased after the checkpoint was trained."""
    return as_folder(checkpoint).exists(_MARK)


def unmark(checkpoint: Folder) -> None:
    """Take the mark away: the same weights were trained again, on what is left."""
    checkpoint.remove(_MARK)
