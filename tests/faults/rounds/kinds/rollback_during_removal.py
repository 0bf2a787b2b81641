"""A rollback comes while a publish removes the epoch that is no longer kept; some rollbacks are killed -9.

It is done or refused, and never half: a rolled-back epoch is not named again, and the one that is named is whole.
"""

import signal
import time
from random import Random

from contracts.epoch_status import ROLLED_BACK
from tests.faults.rounds.jobs import DONE, REFUSED
from tests.faults.rounds.steps import WHENS, Trap
from tests.faults.rounds.world import World

_STEPS_OF_A_ROLLBACK = 14
_LONGEST_S = 0.4
_WORDS = {DONE: "done", REFUSED: "refused", -signal.SIGKILL: "killed"}


def run(world: World, random: Random, turn: int) -> str:
    after = range(world.steps.index("flip 1") + 1, len(world.steps))
    publisher = world.start_publish(
        Trap(random.choice(after), act="wait", wait_s=random.uniform(_LONGEST_S / 4, _LONGEST_S))
    )
    time.sleep(random.uniform(0.3, 1.2) * world.publish_s)
    step, when = random.randrange(_STEPS_OF_A_ROLLBACK), random.choice(WHENS)
    is_killed = turn % 3 == 2
    trap = Trap(step, when) if is_killed else Trap(step, act="wait", wait_s=random.uniform(0.0, _LONGEST_S / 2))
    rollback = world.start_rollback(f"round {turn}", trap)
    rolled_back, published = rollback.wait(), publisher.wait()
    if not {rolled_back, published} <= set(_WORDS) or published == -signal.SIGKILL:
        world.violate(f"a rollback ends with {rolled_back} and the publish beside it with {published}")
        return "neither"
    world.check_served()
    pointer = world.pointer
    again = [row.epoch for row in world.rows() if row.status == ROLLED_BACK and pointer and pointer.names(row.epoch)]
    if rolled_back == DONE and again:
        world.violate(f"epochs {again} are rolled back, and {pointer} names them")
    return f"rollback {_WORDS[rolled_back or DONE]}, publish {_WORDS[published or DONE]}"
