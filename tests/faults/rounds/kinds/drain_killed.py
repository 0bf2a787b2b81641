"""The drain is killed -9 at each of its steps in turn, before and after it commits; so is the collector's Redis."""

import signal
from random import Random

from tests.faults.rounds.world import World
from tests.serving.drain.drain_process import STEPS

_BATCHES = 10


def run(world: World, random: Random, turn: int) -> str:
    step = list(STEPS)[turn % len(STEPS)]
    events, kills_redis = world.events, turn % 3 == 1
    world.broken += events.send(random, _BATCHES, kills_redis=kills_redis)
    status = events.drain(dies=step)
    if status != -signal.SIGKILL:
        world.violate(f"a drain that is killed {step} ends with {status}")
    world.broken += events.problems(is_whole=False)
    world.broken += events.send(random, 1, kills_redis=False)
    if events.drain() != 0:
        world.violate(f"the drain after one that was killed {step} fails")
    world.broken += events.problems(is_whole=True)
    return f"{step}{', Redis killed' if kills_redis else ''}"
