"""Slots of a Redis Cluster, and the key in each slot that shows whether its node has lost its data.

A cluster divides keys among its nodes by slot. One node can lose its data while the pointer, on another node, stays.
Its empty block and hidden sets would then let posts through. So a publish writes a key to every slot, with the number
of its epoch, after it has written all suppression. A reader uses what it reads in a slot only if the slot has this key,
and of no older epoch than the stable one.
"""

import binascii
from functools import cache

from contracts.redis_keys import HELD

NUM_SLOTS = 16_384


def slot_of(key: str) -> int:
    """Slot of a key: CRC-16 (XMODEM) of its hash tag, or of all of it without one (Redis Cluster specification)."""
    _, brace, rest = key.partition("{")
    tag, end, _ = rest.partition("}")
    hashed = tag if brace and end and tag else key
    return binascii.crc_hqx(hashed.encode(), 0) % NUM_SLOTS


def held_key(key: str) -> str:
    """The key that shows whether the slot of ``key`` has its data."""
    return held_keys()[slot_of(key)]


@cache
def held_keys() -> tuple[str, ...]:
    """The key of every slot, by slot: its hash tag is the smallest number in that slot."""
    keys: dict[int, str] = {}
    number = 0
    while len(keys) < NUM_SLOTS:
        key = HELD.key(number)
        keys.setdefault(slot_of(key), key)
        number += 1
    return tuple(keys[slot] for slot in range(NUM_SLOTS))
