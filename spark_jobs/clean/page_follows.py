"""silver.page_follows: when a user followed a page; grain: user_id, page_id, valid_from."""

from spark_jobs.clean.intervals import Edge, build
from spark_jobs.night.night import Night

EDGE = Edge(
    "silver.page_follows", "page_id", "page_followed", "page_unfollowed", "silver.pages", "page_id", "unknown_page"
)


def main(night: Night) -> None:
    """Recompute the pairs with new events."""
    build(night, EDGE)
