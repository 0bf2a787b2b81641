"""Redis is stopped (SIGSTOP) for longer than readers wait, and goes on."""

import os
import signal
import time
from random import Random

from tests.faults.rounds.beside import finish, publish_beside
from tests.faults.rounds.world import World


def run(world: World, random: Random, turn: int) -> str:
    world.suppressing.begin_disturbance()
    running = publish_beside(world, turn)
    time.sleep(random.uniform(0.0, world.publish_s))
    os.kill(world.server.pid, signal.SIGSTOP)
    time.sleep(random.uniform(0.1, 1.5))
    os.kill(world.server.pid, signal.SIGCONT)
    beside = finish(world, running)
    world.check_served()
    return beside
