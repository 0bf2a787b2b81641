"""Whether the slots of a cluster that a request reads still have their data (``contracts/redis_cluster.py``)."""

from collections.abc import Sequence
from typing import Any

from contracts.pointer import Pointer
from contracts.redis_cluster import held_key

_MAX_DIGITS = 20


def ask_held(pipe: Any, keys: Sequence[str]) -> None:
    """Ask for what the slots of ``keys`` say; a slot is asked after all else that is read in it."""
    for key in keys:
        pipe.getrange(held_key(key), 0, _MAX_DIGITS)


def is_held(reply: object, pointer: Pointer) -> bool:
    """Whether a slot has all suppression up to the stable epoch."""
    return isinstance(reply, bytes) and reply.isdigit() and int(reply) >= pointer.stable
