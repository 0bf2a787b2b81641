"""Redis is full from a step of the load on: the publish is refused, and clears up after itself."""

from random import Random

from tests.faults.rounds import epochs_in_redis
from tests.faults.rounds.jobs import REFUSED
from tests.faults.rounds.steps import Trap
from tests.faults.rounds.world import World

_TOLD = "ran out of memory"


def run(world: World, random: Random, turn: int) -> str:
    loads = [number for number, name in enumerate(world.steps) if name.startswith(("SET ", "SADD "))]
    step = loads[(turn * 7 + random.randrange(7)) % len(loads)]
    before = world.pointer
    running = world.start_publish(Trap(step, act="fill"))
    status = running.wait()
    world.server.client.config_set("maxmemory", 0)
    *_, last = running.child.log.read_text().splitlines()
    if status != REFUSED or _TOLD not in last:
        world.violate(f"a publish into a full Redis ends with {status}: {last}")
    if world.pointer != before:
        world.violate(f"a publish into a full Redis moves the pointer from {before} to {world.pointer}")
    orphans = epochs_in_redis.found_in(world.server.client) - set(before.named if before else ())
    if orphans:
        world.violate(f"a publish into a full Redis leaves keys of epochs {sorted(orphans)}")
    world.check_served()
    return f"from {world.steps[step]} on"
