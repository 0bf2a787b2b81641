"""Which model a night trains for each role."""

from dataclasses import dataclass, fields
from pathlib import Path
from typing import Annotated

from contracts.settings.kinds import Bounds, Days, OneOf, Positive

HEAVY, LIGHT = "heavy", "light"
MODEL_PRESETS = tuple(
    sorted(path.stem for path in (Path(__file__).resolve().parents[2] / "models" / "presets").glob("[a-z]*.py"))
)
"""Names of the files in ``models/presets/``, read so that settings are checked without importing torch."""
TREE_PRESETS = ("lightgbm",)
"""The presets of boosted trees; the others are networks."""
STUDENT_PRESETS = ("light",)
"""The presets that learn from a teacher too (``Preset.teacher_share``): the heavy model of the night."""


@dataclass(frozen=True)
class Models:
    """The preset of each role (``models/presets/``); a night trains no model for a role without one.

    ``lightgbm`` is boosted trees, for a small deployment; the others are networks. A ``light`` model costs little per
    pair: it is a student of the heavy model, which is trained first.

    The ``heavy`` model scores candidates, and the run report shows it. A ``light`` model chooses which ones
    (``cascade``). A ``trial`` model is trained and registered; no stage serves its scores.
    """

    heavy: Annotated[str, OneOf(MODEL_PRESETS)] = "deep_cross"
    light: Annotated[str, OneOf(("", *MODEL_PRESETS))] = ""
    trial: Annotated[str, OneOf(("", *MODEL_PRESETS))] = ""

    @property
    def trained(self) -> dict[str, str]:
        """The models that a night trains: role to preset."""
        return {role: preset for role in ROLES if (preset := getattr(self, role))}


@dataclass(frozen=True)
class Training:
    """How models are trained (``docs/training.md``).

    ``processes`` train one model together. A network is trained on cores (``cpu``) or on one NVIDIA GPU (``cuda``);
    with ``bf16`` its matrix products are computed in bfloat16. A GPU trains in one process, and so do trees. A killed
    training resumes from its state, which is saved every ``save_steps`` steps. With ``warm_start`` the heavy model
    begins with the weights of the champion, if they fit, and takes ``refit_epochs`` training epochs over the newest
    ``refit_days`` training days, at ``refit_learning_rate`` times the preset's rate.
    """

    processes: Annotated[int, Bounds(1, 64)] = 1
    device: Annotated[str, OneOf(("cpu", "cuda"))] = "cpu"
    bf16: bool = False
    save_steps: Annotated[int, Bounds(1, 1_000_000)] = 200
    warm_start: bool = False
    refit_epochs: Annotated[int, Bounds(1, 100)] = 1
    refit_days: Days = 1
    refit_learning_rate: Positive = 0.25


ROLES: tuple[str, ...] = tuple(item.name for item in fields(Models))
