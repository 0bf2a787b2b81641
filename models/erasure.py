"""What training leaves that was fitted on a person's rows: checkpoints, and the states of killed trainings.

Weights hold no rows, but they were fitted on them. No later night serves a checkpoint from before an erasure: its mark
is an empty file in the checkpoint's folder, no part of what its version is the hash of. No training goes on from a
state from before one: the erasure removes them.
"""

from datetime import date

from contracts.folders import Folder, as_folder
from contracts.places import Location

_MARK = "trained_before_an_erasure"


def mark_before_erasure(artefacts: Folder | Location) -> int:
    """Mark every existing checkpoint; returns how many there are."""
    opened = as_folder(artefacts)
    versions = [name for name in opened.folders() if not name.startswith(".")]
    for version in versions:
        opened.below(version).write(_MARK, b"")
    return len(versions)


def is_before_erasure(checkpoint: Folder | Location) -> bool:
    """Whether a person was erased after the checkpoint was trained."""
    return as_folder(checkpoint).exists(_MARK)


def unmark(checkpoint: Folder) -> None:
    """Remove the mark: the same weights were trained again, on the remaining examples."""
    checkpoint.remove(_MARK)


def state_file(ds: date, role: str) -> str:
    """In which file beside the checkpoints the training of a night's model keeps its state (``models/resume.py``)."""
    return f"training-{ds}-{role}.state"


def remove_state(artefacts: Folder, name: str) -> None:
    """Remove a state, if there is one, and what a killed write left of it on a disk."""
    artefacts.remove(name)
    artefacts.remove(f".{name}.tmp")


def remove_states(artefacts: Folder | Location) -> int:
    """Remove the states of trainings that were killed, whole or half written; returns how many there were."""
    opened = as_folder(artefacts)
    found = {name for name in opened.files() if name.startswith("training-") and name.endswith(".state")}
    if not opened.place.is_s3:
        found |= {path.name[1 : -len(".tmp")] for path in opened.place.local.glob(".training-*.state.tmp")}
    for name in found:
        remove_state(opened, name)
    return len(found)
