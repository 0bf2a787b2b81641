"""Redis answers late, again and again: some pauses are shorter than readers wait, and others are longer."""

import time
from random import Random

from tests.faults.rounds.beside import finish, publish_beside
from tests.faults.rounds.world import World

_LONGEST_MS = 150


def run(world: World, random: Random, turn: int) -> str:
    world.suppressing.begin_disturbance()
    running = publish_beside(world, turn)
    until = time.monotonic() + random.uniform(0.5, 1.2)
    while time.monotonic() < until:
        pause_ms = random.randint(5, _LONGEST_MS)
        world.server.client.client_pause(pause_ms)
        time.sleep(pause_ms / 1000 * random.uniform(0.5, 2.0))
    beside = finish(world, running)
    world.check_served()
    return beside
