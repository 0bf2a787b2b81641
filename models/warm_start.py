"""The weights with which a training begins: the champion's if they fit, else random ones."""

from dataclasses import dataclass, replace
from datetime import date

from torch import Tensor

from contracts.folders import Folder
from contracts.settings import Training
from models.checkpoint import Checkpoint
from models.earlier_model import earlier_model
from models.network import Network
from models.preset import AnyPreset, Preset


@dataclass(frozen=True)
class Start:
    """The champion to begin with, or None for random weights; the preset to train by; a message for log and report."""

    champion: Checkpoint | None
    preset: AnyPreset
    message: str
    refit_days: int = 0

    @property
    def version(self) -> str | None:
        """The champion's version."""
        return None if self.champion is None else self.champion.model_version

    @property
    def weights(self) -> dict[str, Tensor] | None:
        """The champion's weights."""
        if self.champion is None:
            return None
        assert isinstance(self.champion.model, Network), "only a network is begun with"
        return self.champion.model.state_dict()

    @property
    def days(self) -> set[str]:
        """Days whose examples formed the weights to begin with."""
        return set() if self.champion is None else set(self.champion.config.training_partitions)

    def fitted_on(self, days: tuple[date, ...]) -> tuple[date, ...]:
        """Days to train on, oldest first: all, or with a champion the newest and all since the first that it lacks."""
        if self.champion is None:
            return days
        num_since_unknown = next((len(days) - place for place, day in enumerate(days) if str(day) not in self.days), 0)
        return days[-max(self.refit_days, num_since_unknown) :]


def start_of(
    artefacts: Folder, version: str | None, preset: AnyPreset, rules: Training, reserved: tuple[date, ...]
) -> Start:
    """Begin with the champion of this version unless it cannot be used.

    ``reserved`` are tonight's calibration and held-out days.
    """
    if not rules.warm_start or version is None:
        why = "there is no champion" if rules.warm_start else "training.warm_start is false"
        return Start(None, preset, f"training begins with nothing: {why}")
    if not isinstance(preset, Preset):
        return Start(None, preset, f"training begins with nothing: the trees of {preset.name} grow from nothing")
    champion = _fitting(artefacts, version, preset, reserved)
    if isinstance(champion, str):
        return Start(None, preset, f"training begins with nothing: the champion {version} {champion}")
    rate = preset.optimiser.learning_rate * rules.refit_learning_rate
    epochs = min(rules.refit_epochs, preset.epochs)
    refit = replace(preset, epochs=epochs, optimiser=replace(preset.optimiser, learning_rate=rate))
    return Start(champion, refit, f"training begins with the weights of the champion {version}", rules.refit_days)


def _fitting(artefacts: Folder, version: str, preset: Preset, reserved: tuple[date, ...]) -> Checkpoint | str:
    """The champion, or the reason why it cannot be used."""
    champion = earlier_model(artefacts, version, reserved)
    if isinstance(champion, str):
        return champion
    own = champion.config.preset
    if not isinstance(own, Preset) or (own.network, own.sizes) != (preset.network, preset.sizes):
        return f"is of the preset {own.name}, not of {preset.name}, or in other sizes"
    return champion
