"""silver.friendships: when two users were friends, in both directions; grain: user_id, friend_id, valid_from."""

from spark_jobs.clean.intervals import Edge, build
from spark_jobs.night.night import Night

EDGE = Edge(
    "silver.friendships",
    "friend_id",
    "friendship_created",
    "friendship_removed",
    is_symmetric=True,
    carried=("relation",),
)


def main(night: Night) -> None:
    """Recompute the pairs with new events."""
    build(night, EDGE)
