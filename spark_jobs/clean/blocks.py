"""silver.blocks: when a user blocked another; grain: user_id, blocked_id, valid_from."""

from spark_jobs.clean.intervals import Edge, build
from spark_jobs.night.night import Night

EDGE = Edge("silver.blocks", "blocked_id", "user_blocked", "user_unblocked")


def main(night: Night) -> None:
    """Recompute the pairs with new events."""
    build(night, EDGE)
