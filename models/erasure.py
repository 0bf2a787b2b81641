"""Files that were fitted on a person's rows: checkpoints, and the states of killed trainings.

Weights hold no rows, but they were fitted on them. No later night serves a checkpoint from before an erasure: an empty
file in the checkpoint's folder marks it, which does not count for the hash that is its version. No training resumes
from a state from before an erasure, which removes all states.
"""

from datetime import date

from contracts.folders import Folder, as_folder
from contracts.places import Location

_MARK = "trained_before_an_erasure"
RUN_LOGS = "mlruns"
"""Folder beside the checkpoints with logs of trainings, which hold nothing of a person (``models/run_log.py``)."""


def mark_before_erasure(artefacts: Folder | Location) -> int:
    """Mark every existing checkpoint; returns how many there are."""
    opened = as_folder(artefacts)
    versions = [name for name in opened.folders() if not name.startswith(".") and name != RUN_LOGS]
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
    """Name of the file beside the checkpoints in which a training keeps its state (``models/resume.py``)."""
    return f"training-{ds}-{role}.state"


def remove_state(artefacts: Folder, name: str) -> None:
    """Remove a state, if there is one, and the temporary file of a killed write."""
    artefacts.remove(name)
    artefacts.remove(f".{name}.tmp")


def remove_states(artefacts: Folder | Location) -> int:
    """Remove the states of trainings that were killed, whole or half written; returns how many there were."""
    opened = as_folder(artefacts)
    names = {name for name in opened.files() if name.startswith("training-") and name.endswith(".state")}
    if not opened.place.is_s3:
        names |= {path.name[1 : -len(".tmp")] for path in opened.place.local.glob(".training-*.state.tmp")}
    for name in names:
        remove_state(opened, name)
    return len(names)
