"""The pointer in Redis: which epoch each user reads. One small JSON value, so that one SET moves everybody."""

import hashlib
import json
import re
from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

from contracts.redis_key_kind import ARM

MAX_POINTER_BYTES = 1_024
MAX_EPOCH = 2**32 - 1
"""A pool's header and a cursor hold an epoch in four bytes."""
MAX_HELD_ARMS = 8
_MAX_SECONDS = 2**32 - 1
_HASH_BYTES = 8


@dataclass(frozen=True)
class Canary:
    """A newer epoch that ``share`` (above 0, at most 1) of the users read; only users of ``arm``, if it is set."""

    epoch: int
    share: float
    arm: str | None = None

    def is_read_by(self, user_id: int, arm: str | None) -> bool:
        """Whether this user reads the canary; the users of a larger share include those of a smaller one."""
        return self.arm in (None, arm) and place_of(user_id) < self.share


@dataclass(frozen=True)
class Pointer:
    """The epochs that readers serve: the stable epoch, the one before it, a canary, and arms that are held back.

    ``published_at`` is Unix seconds and grows with every change, a rollback included. It orders pointers, which an
    epoch's number does not. ``held`` are pairs of an arm and the epoch that its users read instead of newer ones.
    """

    stable: int
    previous: int | None
    published_at: int
    canary: Canary | None = None
    held: tuple[tuple[str, int], ...] = ()

    def next(
        self,
        stable: int,
        previous: int | None,
        now: float,
        canary: Canary | None = None,
        held: Collection[tuple[str, int]] = (),
    ) -> "Pointer":
        """The pointer that replaces this one; its time is later even if the clock went back.

        An arm stays held only while the pointer names its epoch and a newer one, which the arm's users would read
        otherwise.
        """
        named = (stable, previous, canary.epoch if canary else None)
        newest = max(epoch for epoch in named if epoch is not None)
        kept = tuple(sorted((arm, epoch) for arm, epoch in held if epoch in named and epoch != newest))
        return Pointer(stable, previous, max(int(now), self.published_at + 1), canary, kept)

    @property
    def named(self) -> tuple[int, ...]:
        """Every epoch that is served to somebody or kept for a rollback, the stable one first, then the canary."""
        epochs = (self.stable, self.canary.epoch if self.canary else None, self.previous)
        return tuple(epoch for epoch in epochs if epoch is not None)

    def names(self, epoch: int) -> bool:
        """Whether ``epoch`` may be served."""
        return epoch in self.named

    def epochs_for(self, user_id: int, arm: str | None) -> tuple[int, int | None]:
        """The epoch that this user reads, and the one to read if the first has no pool of the user."""
        held = dict(self.held).get(arm) if arm is not None and self.held else None
        if held is not None and held != self.stable:
            return held, None
        if held is None and self.canary is not None and self.canary.is_read_by(user_id, arm):
            return self.canary.epoch, self.stable
        return self.stable, self.previous

    def dumps(self) -> str:
        """The pointer's value in Redis, without the parts that are not set."""
        value: dict[str, Any] = {"stable": self.stable, "previous": self.previous, "published_at": self.published_at}
        if self.canary is not None:
            value["canary"] = {"epoch": self.canary.epoch, "share": self.canary.share, "arm": self.canary.arm}
        if self.held:
            value["held"] = dict(self.held)
        return json.dumps(value)

    @staticmethod
    def loads(text: str | bytes) -> "Pointer":
        """Parse the pointer; raises ``ValueError`` when it is no JSON object of such parts."""
        try:
            value = json.loads(text)
        except RecursionError:
            raise ValueError("the epoch pointer is nested too deeply") from None
        fields: dict[str, Any] = value if isinstance(value, dict) else {}
        stable, previous, at = (fields.get(name, -1) for name in ("stable", "previous", "published_at"))
        if not _is_epoch(stable) or not (previous is None or _is_epoch(previous)):
            raise ValueError(f"the epoch pointer names no epochs from 1 to {MAX_EPOCH:,}: {text!r}")
        if type(at) is not int or not 0 <= at <= _MAX_SECONDS:
            raise ValueError(f"the epoch pointer has no published_at in Unix seconds: {text!r}")
        canary = fields.get("canary")
        pointer = Pointer(stable, previous, at, None if canary is None else _canary(canary))
        held = fields.get("held", {})
        if not isinstance(held, dict) or len(held) > MAX_HELD_ARMS or not all(_is_arm(arm) for arm in held):
            raise ValueError(f"the epoch pointer holds back no arms, at most {MAX_HELD_ARMS}: {text!r}")
        if not all(_is_epoch(epoch) and pointer.names(epoch) for epoch in held.values()):
            raise ValueError(f"the epoch pointer holds an arm back at an epoch that it does not name: {text!r}")
        return Pointer(stable, previous, at, pointer.canary, tuple(sorted(held.items())))


def place_of(user_id: int) -> float:
    """A number in [0, 1) from a hash of the user's id: the same for every epoch, so a canary has the same users."""
    digest = hashlib.blake2b(str(user_id).encode(), digest_size=_HASH_BYTES, person=b"canary").digest()
    return (int.from_bytes(digest) >> 11) / 2**53


def _canary(value: object) -> Canary:
    fields: dict[str, Any] = value if isinstance(value, dict) else {}
    epoch, share, arm = fields.get("epoch"), fields.get("share"), fields.get("arm")
    is_share = type(share) in (int, float) and 0 < share <= 1  # type: ignore[operator]
    if not _is_epoch(epoch) or not is_share or not (arm is None or _is_arm(arm)):
        raise ValueError(f"the canary of the pointer has no epoch, share above 0 and at most 1, and arm: {value!r}")
    return Canary(epoch, float(share), arm)  # type: ignore[arg-type]


def _is_arm(value: object) -> bool:
    return isinstance(value, str) and re.fullmatch(ARM, value, re.ASCII) is not None


def _is_epoch(value: object) -> bool:
    return type(value) is int and 1 <= value <= MAX_EPOCH
