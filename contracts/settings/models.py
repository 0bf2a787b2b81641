"""Which models a night trains, and what each is for."""

from dataclasses import dataclass, fields

HEAVY = "heavy"


@dataclass(frozen=True)
class Models:
    """The preset of each role (``models/presets/``); a night trains no model of a role without one.

    ``heavy`` scores every candidate and is what the run report shows. ``light`` and ``trial`` are trained, registered
    and usable beside it; no stage serves their scores.
    """

    heavy: str = "deep_cross"
    light: str = ""
    trial: str = ""

    @property
    def trained(self) -> dict[str, str]:
        """Role to preset of the models that a night trains."""
        return {role: preset for role in ROLES if (preset := getattr(self, role))}

    def __post_init__(self) -> None:
        """Refuse a night without a heavy model."""
        if not self.heavy:
            raise ValueError("models: the role heavy needs a preset, as it scores the night")


ROLES: tuple[str, ...] = tuple(item.name for item in fields(Models))


def training_report(role: str) -> str:
    """File name, in the night's folder, of what the training of a role's model said."""
    return "train.json" if role == HEAVY else f"train.{role}.json"
