"""The publisher is killed -9: before, in the middle of and after every step in turn, and at random instants."""

import time
from random import Random

from tests.faults.rounds.steps import WHENS, Trap, When
from tests.faults.rounds.world import World

_STRIDES = (37, 41, 43)
_ONE_AT_RANDOM_IN = 4
_SHARE_KILLED_AGAIN = 0.25


def point_of(num_steps: int, turn: int) -> tuple[int, When]:
    """The step of a turn, and when in it: as many turns as there are points visit every one of them."""
    num_points = num_steps * len(WHENS)
    stride = next(stride for stride in _STRIDES if num_points % stride)
    point = turn * stride % num_points
    return point // len(WHENS), WHENS[point % len(WHENS)]


def run(world: World, random: Random, turn: int) -> str:
    if turn % _ONE_AT_RANDOM_IN == _ONE_AT_RANDOM_IN - 1:
        running = world.start_publish()
        time.sleep(random.uniform(0.0, world.publish_s))
        running.child.kill()
        what = "at a random instant"
    else:
        what = _killed_at(world, *point_of(len(world.steps), turn - turn // _ONE_AT_RANDOM_IN))
    world.check_served()
    if random.random() < _SHARE_KILLED_AGAIN:  # the next one clears up first, and is killed in that or later
        _killed_at(world, random.randrange(len(world.steps)), random.choice(WHENS))
        world.check_served()
    return what


def _killed_at(world: World, step: int, when: When) -> str:
    running = world.start_publish(Trap(step, when))
    if running.wait() is None:
        world.violate("a publish hangs")
    return str(running.told.get("died", "it ended by itself"))
