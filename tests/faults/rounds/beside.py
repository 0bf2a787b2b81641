"""A publish beside a fault of Redis: it may fail or not, but it ends, and nothing half is left."""

from tests.faults.rounds.jobs import DONE
from tests.faults.rounds.world import Running, World


def publish_beside(world: World, turn: int) -> Running | None:
    """Start a publish in every other turn."""
    return world.start_publish() if turn % 2 else None


def finish(world: World, running: Running | None) -> str:
    """Wait for the publish, and say how it ended."""
    if running is None:
        return "no publish beside"
    status = running.wait()
    if status is None:
        world.violate(f"a publish beside the fault hangs, see {running.child.log}")
    return "publish beside done" if status == DONE else "publish beside failed"
