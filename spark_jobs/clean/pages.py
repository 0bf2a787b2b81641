"""silver.pages: the latest version of every page; grain: page_id."""

from spark_jobs.clean.owned_entities import build
from spark_jobs.night.night import Night


def main(night: Night) -> None:
    """Merge new pages."""
    build(night, "silver.pages", "page_upserted", "page_id")
