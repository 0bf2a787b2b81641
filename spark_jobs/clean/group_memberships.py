"""silver.group_memberships: when a user was a member of a group; grain: user_id, group_id, valid_from."""

from spark_jobs.clean.intervals import Edge, build
from spark_jobs.night.night import Night

EDGE = Edge(
    "silver.group_memberships", "group_id", "group_joined", "group_left", "silver.groups", "group_id", "unknown_group"
)


def main(night: Night) -> None:
    """Recompute the pairs with new events."""
    build(night, EDGE)
