"""silver.impressions: each post shown to a user at a position of a request; grain: impression_id (the event id)."""

from collections.abc import Sequence

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from spark_jobs.clean.news import typed_news
from spark_jobs.clean.references import RECEIVED_EARLIER, Reference, check, merge_accepted, post_references
from spark_jobs.night.night import Night


def check_events(events: DataFrame, users: DataFrame, posts: Sequence[Reference], ads: DataFrame) -> DataFrame:
    """Typed impressions; those with an unknown user, post or ad have a reason."""
    return check(
        events,
        [
            Reference("user_id", users.select("user_id"), "unknown_user"),
            *posts,
            Reference("ad_id", ads.select("ad_id"), "unknown_ad", only_when=F.col("ad_id").isNotNull()),
        ],
    )


def transform(events: DataFrame) -> DataFrame:
    """Rows of silver.impressions for accepted impressions."""
    return events.select(
        F.col("event_id").alias("impression_id"),
        "user_id",
        "post_id",
        "request_id",
        "session_id",
        "position",
        "device",
        "connection",
        "city",
        F.coalesce("surface", F.lit("feed")).alias("surface"),
        "epoch",
        "propensity",
        F.col("event_time").alias("shown_at"),
        "received_at",
        "arms",
        "ad_id",
        F.to_date("event_time").alias("event_date"),
    )


def main(night: Night) -> None:
    """Merge new impressions."""
    events = typed_news(night, "silver.impressions", "impression")
    if events is None:
        return
    users, ads = night.read("silver.users"), night.read("silver.ads")
    checked = check_events(events, users, post_references(night), ads)
    merge_accepted(night, "silver.impressions", checked, transform, update_when=RECEIVED_EARLIER)
