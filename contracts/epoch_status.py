"""The life of an epoch: every status that ``gold.epochs`` may hold, and what follows from it.

The pointer in Redis is the truth about what is served; the table follows it. A publish that was killed left its row
behind, so the next one corrects every row by what the pointer says of its epoch.
"""

from collections.abc import Collection, Iterable
from dataclasses import dataclass

from contracts.epochs import Pointer


@dataclass(frozen=True)
class EpochStatus:
    """One status.

    ``is_published``: the night's tables are whole and its pools were, or may have been, served. ``as_stable``,
    ``as_previous`` and ``unnamed`` are the status that follows where the pointer names the epoch so, or not at all.
    """

    meaning: str
    as_stable: str
    as_previous: str
    unnamed: str
    is_published: bool = True


STATUSES: dict[str, EpochStatus] = {
    "building": EpochStatus("its keys are being written", "current", "previous", "bad", is_published=False),
    "built": EpochStatus("every key was read back, the flip follows", "current", "previous", "bad"),
    "current": EpochStatus("readers serve it", "current", "previous", "retired"),
    "previous": EpochStatus("was current before, its keys are kept", "current", "previous", "retired"),
    "retired": EpochStatus("was current, its keys are gone", "current", "retired", "retired"),
    "bad": EpochStatus("never became current, its keys are gone", "current", "bad", "bad", is_published=False),
    "rolled_back": EpochStatus(
        "was taken back, never again", "rolled_back", "rolled_back", "rolled_back", is_published=False
    ),
}
PUBLISHED = tuple(name for name, status in STATUSES.items() if status.is_published)
"""Statuses of nights that later nights build on. The one list for all who ask which nights were published."""
LOADING = "building"
ROLLED_BACK = "rolled_back"


def status_under(pointer: Pointer | None, epoch: int, status: str) -> str:
    """What ``status`` of ``epoch`` becomes, given what is served."""
    rule = STATUSES[status]
    if pointer is not None and epoch == pointer.stable:
        return rule.as_stable
    if pointer is not None and epoch == pointer.previous:
        return rule.as_previous
    return rule.unnamed


def standing(pointer: Pointer | None, rolled_back: Collection[int]) -> list[int]:
    """Epochs that the pointer names, the stable one first, without those rolled back."""
    named: Iterable[int | None] = () if pointer is None else (pointer.stable, pointer.previous)
    return [epoch for epoch in named if epoch is not None and epoch not in rolled_back]
