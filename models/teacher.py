"""The trained model whose outputs a preset learns from beside labels (``Preset.teacher_share``)."""

from dataclasses import dataclass
from datetime import date

from contracts.folders import Folder
from models.checkpoint import Checkpoint
from models.earlier_model import earlier_model
from models.model import Model
from models.preset import AnyPreset, Preset


@dataclass(frozen=True)
class Teacher:
    """The model to learn from, or None for labels alone; a message for the log, empty without a teacher."""

    checkpoint: Checkpoint | None
    message: str

    @property
    def version(self) -> str | None:
        """The teacher's version."""
        return None if self.checkpoint is None else self.checkpoint.model_version

    @property
    def model(self) -> Model | None:
        """The teacher itself."""
        return None if self.checkpoint is None else self.checkpoint.model

    @property
    def days(self) -> set[str]:
        """Days whose examples the teacher knows, and so its student."""
        return set() if self.checkpoint is None else set(self.checkpoint.config.training_partitions)


def teacher_of(artefacts: Folder, version: str | None, preset: AnyPreset, reserved: tuple[date, ...]) -> Teacher:
    """The teacher of this version, if the preset needs one.

    ``reserved`` are tonight's calibration and held-out days. Raises ``ValueError`` if none is named or it cannot be
    used.
    """
    if not isinstance(preset, Preset) or preset.teacher_share == 0:
        return Teacher(None, "")
    if version is None:
        raise ValueError(f"preset {preset.name} learns from a teacher: name a trained model by --teacher VERSION")
    found = earlier_model(artefacts, version, reserved)
    if isinstance(found, str):
        raise ValueError(f"the teacher {version} {found}")  # noqa: TRY004 - the reason is a text
    return Teacher(found, f"{preset.teacher_share:.0%} of the loss compares with the outputs of the teacher {version}")
