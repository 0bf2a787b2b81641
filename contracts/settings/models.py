"""Which models a night trains, and what each is for."""

from dataclasses import dataclass, fields
from pathlib import Path
from typing import Annotated

from contracts.settings.kinds import Bounds, Days, OneOf, Positive

HEAVY = "heavy"
MODEL_PRESETS = tuple(
    sorted(path.stem for path in (Path(__file__).resolve().parents[2] / "models" / "presets").glob("[a-z]*.py"))
)
"""Names of the files in ``models/presets/``, so that a settings file is judged without loading them."""


@dataclass(frozen=True)
class Models:
    """The preset of each role (``models/presets/``); a night trains no model of a role without one.

    ``heavy`` scores every candidate and is what the run report shows. ``light`` and ``trial`` are trained, registered
    and usable beside it; no stage serves their scores.
    """

    heavy: Annotated[str, OneOf(MODEL_PRESETS)] = "deep_cross"
    light: Annotated[str, OneOf(("", *MODEL_PRESETS))] = ""
    trial: Annotated[str, OneOf(("", *MODEL_PRESETS))] = ""

    @property
    def trained(self) -> dict[str, str]:
        """Role to preset of the models that a night trains."""
        return {role: preset for role in ROLES if (preset := getattr(self, role))}


@dataclass(frozen=True)
class Training:
    """How models are trained (``docs/training.md``).

    ``processes`` train one model together. From a state that is kept every ``save_steps`` steps a killed training goes
    on. With ``warm_start`` the heavy model begins with the weights of the champion, where they fit, and takes
    ``refit_epochs`` passes over the newest ``refit_days`` of the days that train, at ``refit_learning_rate`` times the
    preset's rate.
    """

    processes: Annotated[int, Bounds(1, 64)] = 1
    save_steps: Annotated[int, Bounds(1, 1_000_000)] = 200
    warm_start: bool = False
    refit_epochs: Annotated[int, Bounds(1, 100)] = 1
    refit_days: Days = 1
    refit_learning_rate: Positive = 0.25


ROLES: tuple[str, ...] = tuple(item.name for item in fields(Models))
