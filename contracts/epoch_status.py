"""Every status of an epoch in ``gold.epochs``, and how the pointer changes it.

The pointer in Redis is the truth about what is served; the table follows it. A killed publish leaves a stale row, so
the next publish corrects every row by the pointer.
"""

from collections.abc import Collection
from dataclasses import dataclass
from typing import Literal

from contracts.pointer import Pointer

Role = Literal["stable", "canary", "previous", "unnamed"]
"""The role of an epoch in the pointer."""


@dataclass(frozen=True)
class EpochStatus:
    """One status: its meaning, and the status that follows from each role.

    ``is_published``: the night's tables are whole and its pools were, or may have been, served. ``is_at_work``: a
    publish is writing it, or died; only the next publish knows that it died. ``is_served``: some readers serve it as
    their newest epoch.
    """

    meaning: str
    stable: str
    canary: str
    previous: str
    unnamed: str
    is_published: bool = True
    is_at_work: bool = False
    is_served: bool = False


STATUSES: dict[str, EpochStatus] = {
    "building": EpochStatus(
        "its keys are being written", "current", "canary", "previous", "bad", is_published=False, is_at_work=True
    ),
    "built": EpochStatus(
        "every key was read back, the flip follows", "current", "canary", "previous", "bad", is_at_work=True
    ),
    "canary": EpochStatus("some users read it", "current", "canary", "previous", "retired", is_served=True),
    "current": EpochStatus("readers serve it", "current", "canary", "previous", "retired", is_served=True),
    "previous": EpochStatus("was current before, its keys are kept", "current", "canary", "previous", "retired"),
    "retired": EpochStatus("was served, its keys are gone", "current", "canary", "retired", "retired"),
    "bad": EpochStatus("was never served, its keys are gone", "current", "canary", "bad", "bad", is_published=False),
    "rolled_back": EpochStatus(
        "was taken back, never again", "rolled_back", "rolled_back", "rolled_back", "rolled_back", is_published=False
    ),
}
PUBLISHED = tuple(name for name, status in STATUSES.items() if status.is_published)
"""Statuses of published nights, on which later nights build."""
LOADING = "building"
ROLLED_BACK = "rolled_back"


@dataclass(frozen=True)
class Fate:
    """The decision about an epoch: its status (None: it has no row), and whether its keys in Redis stay."""

    status: str | None
    keeps_keys: bool


def role_of(epoch: int, pointer: Pointer | None) -> Role:
    """The role of ``epoch`` under the pointer."""
    if pointer is None or not pointer.names(epoch):
        return "unnamed"
    if epoch == pointer.stable:
        return "stable"
    return "previous" if epoch == pointer.previous else "canary"


def fate_of(status: str | None, role: Role, *, may_be_at_work: bool) -> Fate:
    """The one decision which epochs are kept and which are removed; ``status`` None: ``gold.epochs`` has no such row.

    ``may_be_at_work``: a publish may run beside the caller; only a publish itself can exclude it. An epoch that is
    being written then stays unchanged, and so does one whose row was added after the table was read.
    """
    is_named = role != "unnamed"
    if status is None:
        return Fate(None, keeps_keys=is_named or may_be_at_work)
    rule = STATUSES[status]
    if not is_named and rule.is_at_work and may_be_at_work:
        return Fate(status, keeps_keys=True)
    following: dict[Role, str] = {
        "stable": rule.stable,
        "canary": rule.canary,
        "previous": rule.previous,
        "unnamed": rule.unnamed,
    }
    return Fate(following[role], keeps_keys=is_named)


def withdrawn(pointer: Pointer, rolled_back: Collection[int], now: float) -> Pointer | None:
    """The pointer without epochs that were rolled back; the same one if it names none, None if no other epoch is left.

    If the stable epoch was rolled back, the one before it becomes stable; if there is none, the canary.
    """
    good = [epoch for epoch in pointer.named if epoch not in rolled_back]
    if len(good) == len(pointer.named):
        return pointer
    order = [epoch for epoch in (pointer.stable, pointer.previous, *good) if epoch in good]
    if not order:
        return None
    stable = order[0]
    previous = pointer.previous if pointer.previous in good and pointer.previous != stable else None
    canary = pointer.canary if pointer.canary and pointer.canary.epoch in good else None
    return pointer.next(
        stable, previous, now, None if canary is None or canary.epoch == stable else canary, pointer.held
    )
