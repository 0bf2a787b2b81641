"""The champion: the model that scored the last published night before this one, and may still be used."""

from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING

from contracts.places import checkpoint_path
from models.erasure import is_before_erasure
from spark_jobs.night.night import Night
from spark_jobs.rules.last_model import last_model
from spark_jobs.rules.night_model import folder_of
from storage import open_folder

if TYPE_CHECKING:
    from models.checkpoint import Checkpoint


@dataclass(frozen=True)
class Champion:
    """The model that scored the night ``published``; it was trained on ``days``.

    ``why_unused`` is the reason why it cannot be compared with tonight's model; None if it can.
    """

    version: str
    path: str
    published: date
    days: tuple[str, ...] = ()
    why_unused: str | None = None

    def knows(self, day: date) -> bool:
        """Whether the model may have been trained on the day: it was trained by ``published``, on days before it."""
        return day < self.published or day.isoformat() in self.days


def find_champion(night: Night) -> Champion | None:
    """The champion, usable or not; None if no night was published before, or no model scored the last one."""
    last = last_model(night)
    return None if last is None else _judge(night, *last)


def _judge(night: Night, version: str, published: date) -> Champion:
    from models.checkpoint import read_checkpoint  # noqa: PLC0415 - where there is no champion, the driver needs no torch

    path = checkpoint_path(version)
    folder = folder_of(night, path)
    if is_before_erasure(open_folder(folder)):
        why = f"{version} was trained before a person was erased"
        return Champion(version, path, published, why_unused=why)
    try:
        checkpoint: Checkpoint = read_checkpoint(folder)
    except Exception as error:  # noqa: BLE001 - an old model that fails in any way must not stop the night
        why = f"{version} cannot be loaded: {type(error).__name__}: {error}"
        return Champion(version, path, published, why_unused=why)
    if checkpoint.model_version != version:
        why = f"{version} cannot be loaded: its folder holds model {checkpoint.model_version}"
        return Champion(version, path, published, why_unused=why)
    return Champion(version, path, published, checkpoint.config.training_partitions)
