"""silver.ads: the latest version of every ad; grain: ad_id. An ad promotes a post to the users that it targets."""

from collections.abc import Sequence

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from spark_jobs.clean.latest_versions import latest_versions, merge_latest
from spark_jobs.clean.news import typed_news
from spark_jobs.clean.references import Reference, check, post_references
from spark_jobs.night.night import Night


def check_versions(events: DataFrame, campaigns: DataFrame, posts: Sequence[Reference]) -> DataFrame:
    """Typed ad_upserted events; those with an unknown campaign or post have a reason."""
    return check(events, [*posts, Reference("campaign_id", campaigns.select("campaign_id"), "unknown_campaign")])


def transform(events: DataFrame) -> DataFrame:
    """Rows of silver.ads for accepted versions."""
    everybody = F.array().cast("array<string>")
    return latest_versions(events, "ad_id").select(
        "ad_id",
        "campaign_id",
        "post_id",
        "bid",
        F.coalesce("quality", F.lit(1.0)).alias("quality"),
        "frequency_cap",
        F.coalesce("countries", everybody).alias("countries"),
        F.coalesce(F.transform("interests", F.lower), everybody).alias("interests"),
        "min_age",
        "max_age",
        F.coalesce("is_active", F.lit(col=True)).alias("is_active"),
        "updated_at",
        "received_at",
        "event_id",
    )


def main(night: Night) -> None:
    """Merge new ads."""
    events = typed_news(night, "silver.ads", "ad_upserted")
    if events is None:
        return
    checked = check_versions(events, night.read("silver.campaigns"), post_references(night))
    merge_latest(night, "silver.ads", checked, transform)
