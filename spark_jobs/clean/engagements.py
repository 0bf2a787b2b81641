"""silver.engagements: each engagement of a user and each anonymous reaction; grain: engagement_id (the event id)."""

from collections.abc import Sequence

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from spark_jobs.clean.news import typed_news
from spark_jobs.clean.references import RECEIVED_EARLIER, Reference, check, merge_accepted, post_references
from spark_jobs.night.night import Night


def check_events(events: DataFrame, users: DataFrame, posts: Sequence[Reference], ads: DataFrame) -> DataFrame:
    """Typed engagement, reaction and moderation events; those with an unknown user, post or ad have a reason.

    Only an engagement names a user, and it may name an ad. Moderation events have no silver table, but their references
    are checked too.
    """
    names_user = F.col("event_type") == "engagement"
    return check(
        events,
        [
            Reference("user_id", users.select("user_id"), "unknown_user", only_when=names_user),
            *posts,
            Reference("ad_id", ads.select("ad_id"), "unknown_ad", only_when=names_user & F.col("ad_id").isNotNull()),
        ],
    )


def transform(events: DataFrame) -> DataFrame:
    """Rows of silver.engagements for accepted events; a reaction has no user, even if its line names one."""
    names_user = F.col("event_type") == "engagement"
    return events.where(F.col("event_type") != "moderation").select(
        F.col("event_id").alias("engagement_id"),
        F.when(names_user, F.col("user_id")).alias("user_id"),
        "post_id",
        "engagement_type",
        "detail",
        F.when(names_user, F.col("impression_id")).alias("impression_id"),
        F.when(names_user, F.col("dwell_ms")).alias("dwell_ms"),
        F.col("event_time").alias("engaged_at"),
        "received_at",
        F.when(names_user, F.col("ad_id")).alias("ad_id"),
        F.to_date("event_time").alias("event_date"),
    )


def main(night: Night) -> None:
    """Merge new engagements and reactions."""
    events = typed_news(night, "silver.engagements", "engagement", "reaction", "moderation")
    if events is None:
        return
    # "detail" is a field of these events, and in the quarantine the part of a line that breaks its rule.
    events = events.withColumnRenamed("detail", "action")
    users, ads = night.read("silver.users"), night.read("silver.ads")
    checked = check_events(events, users, post_references(night), ads)

    def rows(kept: DataFrame) -> DataFrame:
        return transform(kept.withColumnRenamed("action", "detail"))

    merge_accepted(night, "silver.engagements", checked, rows, update_when=RECEIVED_EARLIER)
