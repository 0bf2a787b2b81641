"""silver.groups: the latest version of every group; grain: group_id."""

from spark_jobs.clean.owned_entities import build
from spark_jobs.night.night import Night


def main(night: Night) -> None:
    """Merge new groups."""
    build(night, "silver.groups", "group_upserted", "group_id")
