"""Redis is killed -9 and comes back with its data, or without: then it is not trusted until the next publish.

Every fourth time it loses its data once more, while that publish writes suppression and keys.
"""

import time
from random import Random

from tests.faults.rounds.beside import finish, publish_beside
from tests.faults.rounds.steps import Trap
from tests.faults.rounds.world import World

_WAIT_S = 1.0


def run(world: World, random: Random, turn: int) -> str:
    is_emptied = turn % 2 == 1
    world.suppressing.begin_disturbance()
    running = publish_beside(world, turn // 2)
    time.sleep(random.uniform(0.0, world.publish_s))
    _kill(world, random, is_emptied=is_emptied)
    beside = finish(world, running)
    world.check_served()
    if turn % 4 == 1:
        return f"emptied twice, {_empty_again(world, random, turn // 4)}"
    return f"{'emptied' if is_emptied else 'with its data'}, {beside}"


def _kill(world: World, random: Random, *, is_emptied: bool) -> None:
    world.server.kill()
    time.sleep(random.uniform(0.05, 0.6))
    world.restart_redis(is_emptied=is_emptied)


def _empty_again(world: World, random: Random, turn: int) -> str:
    """The publish that restores an emptied Redis waits while that is emptied again: first after the suppression."""
    step = (world.steps.index("SET pool 1") + turn * 5) % len(world.steps)
    running = world.start_publish(Trap(step, act="wait", wait_s=_WAIT_S + world.publish_s))
    time.sleep(world.publish_s)
    _kill(world, random, is_emptied=True)
    how = finish(world, running)
    world.check_served()
    time.sleep(_WAIT_S / 2)  # readers must not believe what it left
    return f"at {world.steps[step]}, {how}"
