"""Which fault a round has: a function of its number, so that a round can be run again by itself."""

from collections.abc import Callable
from random import Random

from tests.faults.rounds.kinds import (
    drain_full_disk,
    drain_killed,
    killed_publisher,
    out_of_memory,
    racing_publishers,
    redis_killed,
    redis_reset,
    redis_slow,
    redis_stopped,
    rollback_during_removal,
)
from tests.faults.rounds.world import World

Fault = Callable[[World, Random, int], str]
"""Breaks the world in its n-th turn, and says what happened; rules that were broken go to ``World.violate``."""

FAULTS: dict[str, Fault] = {
    "killed publisher": killed_publisher.run,
    "racing publishers": racing_publishers.run,
    "rollback during removal": rollback_during_removal.run,
    "out of memory": out_of_memory.run,
    "redis killed": redis_killed.run,
    "redis stopped": redis_stopped.run,
    "redis slow": redis_slow.run,
    "redis reset": redis_reset.run,
    "drain killed": drain_killed.run,
    "drain with a full disk": drain_full_disk.run,
}
CYCLE = (
    "killed publisher", "redis killed", "racing publishers", "drain killed", "rollback during removal",
    "killed publisher", "out of memory", "redis stopped", "killed publisher", "drain with a full disk",
    "killed publisher", "redis slow", "racing publishers", "redis reset", "killed publisher",
    "redis killed", "rollback during removal", "out of memory", "killed publisher", "drain killed",
)  # fmt: skip
"""The faults of 20 rounds, again and again."""


def fault_of(number: int) -> tuple[str, int]:
    """The fault of a round, counted from 1, and how many rounds had it before."""
    cycles, place = divmod(number - 1, len(CYCLE))
    name = CYCLE[place]
    return name, cycles * CYCLE.count(name) + CYCLE[:place].count(name)
