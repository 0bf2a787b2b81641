"""silver.sessions: each session of a user, as last reported; grain: session_id, event_date (of its start).

A client may report a session more than once while it lasts: the report with the greatest event time counts.
"""

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from spark_jobs.clean.latest_versions import latest_versions, merge_latest
from spark_jobs.clean.news import typed_news
from spark_jobs.clean.references import Reference, check, refuse_where
from spark_jobs.night.night import Night


def check_events(events: DataFrame, users: DataFrame) -> DataFrame:
    """Typed sessions; those with an unknown user or an end before the start have a reason."""
    checked = check(events, [Reference("user_id", users.select("user_id"), "unknown_user")])
    return refuse_where(checked, F.col("ended_at") < F.col("started_at"), "ends_before_start", "ended_at")


def transform(events: DataFrame) -> DataFrame:
    """Rows of silver.sessions for accepted reports."""
    dated = events.withColumn("event_date", F.to_date("started_at"))
    return latest_versions(dated, "session_id", "event_date").select(
        "session_id",
        "user_id",
        "device",
        "connection",
        "started_at",
        "ended_at",
        "scroll_depth",
        "updated_at",
        "received_at",
        "event_date",
        "event_id",
    )


def main(night: Night) -> None:
    """Merge new sessions."""
    events = typed_news(night, "silver.sessions", "session")
    if events is None:
        return
    merge_latest(night, "silver.sessions", check_events(events, night.read("silver.users")), transform)
