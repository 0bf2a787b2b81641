"""silver.campaigns: the latest version of every advertising campaign; grain: campaign_id."""

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from spark_jobs.clean.latest_versions import latest_versions, merge_latest
from spark_jobs.clean.news import typed_news
from spark_jobs.clean.references import Reference, check, refuse_where
from spark_jobs.night.night import Night


def check_versions(events: DataFrame, users: DataFrame) -> DataFrame:
    """Typed campaign_upserted events; those with an unknown advertiser or an end before the start have a reason."""
    checked = check(events, [Reference("advertiser_id", users.select("user_id"), "unknown_user")])
    return refuse_where(checked, F.col("ends_at") < F.col("starts_at"), "ends_before_start", "ends_at")


def transform(events: DataFrame) -> DataFrame:
    """Rows of silver.campaigns for accepted versions."""
    return latest_versions(events, "campaign_id").select(
        "campaign_id",
        "advertiser_id",
        "name",
        "budget",
        "daily_budget",
        F.coalesce("pacing", F.lit("even")).alias("pacing"),
        "starts_at",
        "ends_at",
        "updated_at",
        "received_at",
        "event_id",
    )


def main(night: Night) -> None:
    """Merge new campaigns."""
    events = typed_news(night, "silver.campaigns", "campaign_upserted")
    if events is None:
        return
    merge_latest(night, "silver.campaigns", check_versions(events, night.read("silver.users")), transform)
