"""The model of an earlier training, as a later one uses it: the champion to begin with, or the teacher."""

from datetime import date

from contracts.folders import Folder
from models.checkpoint import Checkpoint, read_checkpoint
from models.erasure import is_before_erasure


def earlier_model(artefacts: Folder, version: str, reserved: tuple[date, ...]) -> Checkpoint | str:
    """The model of this version, or the reason why it cannot be used.

    ``reserved`` are tonight's calibration and held-out days: a model that was trained on one would be judged too well,
    and so would one that learns from it.
    """
    folder = artefacts.below(version)
    if is_before_erasure(folder):
        return "was trained before a person was erased"
    try:
        found = read_checkpoint(str(folder.place))
    except Exception as error:  # noqa: BLE001 - an old model may fail in any way
        return f"cannot be loaded: {type(error).__name__}: {error}"
    if found.model_version != version:
        return f"cannot be loaded: its folder holds model {found.model_version}"
    if known := sorted({str(day) for day in reserved} & set(found.config.training_partitions)):
        return f"was trained on {', '.join(known)}, which calibrate or are held out tonight"
    return found
