"""What a night leaves of a role for which no model is trained."""

from datetime import date

from contracts.places import Location, Place, artefacts_of
from contracts.run_files import RunFiles
from models.erasure import remove_state, state_file
from models.registry import forget
from storage import open_folder


def leave_untrained(lake: Location, runs: Location, ds: date, role: str, reason: str) -> None:
    """Leave the role without a row in ``gold.models`` and without a state; its report gives the reason."""
    forget(lake, ds, role)
    remove_state(open_folder(artefacts_of(Place.parse(lake))), state_file(ds, role))
    RunFiles.of(open_folder(runs), ds).training(role).write({"model_version": None, "role": role, "reason": reason})
