"""Two publishers run at once, each delayed at some steps: one flips, and the other is refused or comes after it."""

import time
from random import Random

from tests.faults.rounds.jobs import DONE, REFUSED
from tests.faults.rounds.steps import Trap
from tests.faults.rounds.world import World

_DELAYS, _LONGEST_S = 4, 0.15


def delays(world: World, random: Random) -> list[Trap]:
    """Waits at some steps."""
    steps = random.sample(range(len(world.steps)), _DELAYS)
    return [Trap(step, act="wait", wait_s=random.uniform(0.0, _LONGEST_S)) for step in steps]


def run(world: World, random: Random, turn: int) -> str:
    del turn
    first = world.start_publish(*delays(world, random))
    time.sleep(random.uniform(0.0, world.publish_s / 2))
    second = world.start_publish(*delays(world, random))
    statuses = [first.wait(), second.wait()]
    if DONE not in statuses or not set(statuses) <= {DONE, REFUSED}:
        world.violate(f"two publishers at once end with {statuses}, see {first.child.log}")
    world.check_served()
    return "both, one after the other" if statuses == [DONE, DONE] else "one of them"
