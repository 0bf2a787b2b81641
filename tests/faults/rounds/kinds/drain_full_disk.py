"""The disk is full for the drain: the kernel takes no byte beyond a drawn size of a file, and later it does."""

from random import Random

from tests.faults.rounds.world import World

_BATCHES, _MOST_BYTES = 8, 5_000


def run(world: World, random: Random, turn: int) -> str:
    del turn
    events, room = world.events, random.randint(0, _MOST_BYTES)
    world.broken += events.send(random, _BATCHES, kills_redis=False)
    status = events.drain(most_bytes=room)
    if status not in (0, 1):
        world.violate(f"a drain with room for {room} bytes ends with {status}")
    world.broken += events.problems(is_whole=False)
    world.broken += events.send(random, 1, kills_redis=False)
    if events.drain() != 0:
        world.violate("the drain fails after its disk has room again")
    world.broken += events.problems(is_whole=True)
    return "it had room" if status == 0 else "it stopped"
