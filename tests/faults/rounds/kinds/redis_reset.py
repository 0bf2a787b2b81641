"""Redis closes all connections, again and again, under the load of readers and publisher."""

import time
from random import Random

from tests.faults.rounds.beside import finish, publish_beside
from tests.faults.rounds.world import World


def run(world: World, random: Random, turn: int) -> str:
    world.suppressing.begin_disturbance()
    running = publish_beside(world, turn)
    until = time.monotonic() + random.uniform(0.3, 1.0)
    while time.monotonic() < until:
        world.server.client.client_kill_filter(_type="normal", skipme=True)
        time.sleep(random.uniform(0.005, 0.05))
    beside = finish(world, running)
    world.check_served()
    return beside
