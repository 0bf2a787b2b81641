"""Pages and groups: entities that a user owns; the latest version is kept."""

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from contracts.erasure import NOBODY
from spark_jobs.clean.latest_versions import latest_versions, merge_latest
from spark_jobs.clean.news import typed_news
from spark_jobs.clean.references import Reference, check
from spark_jobs.night.night import Night


def transform(events: DataFrame, key: str) -> DataFrame:
    """Grain: ``key`` (``page_id`` or ``group_id``). The version with the greatest event time, then event id."""
    return latest_versions(events, key).select(key, "owner_id", "name", "updated_at", "received_at", "event_id")


def build(night: Night, table: str, event_type: str, key: str) -> None:
    """Merge the news of ``table``; an event with an unknown owner is quarantined as unknown_user.

    A group whose owner was erased belongs to ``contracts.erasure.NOBODY``.
    """
    users = night.read("silver.users").select("user_id")
    events = typed_news(night, table, event_type)
    if events is None:
        return
    has_owner = F.col("owner_id") != NOBODY
    checked = check(events, [Reference("owner_id", users, "unknown_user", only_when=has_owner)])
    merge_latest(night, table, checked, lambda kept: transform(kept, key))
