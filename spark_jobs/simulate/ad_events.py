"""The events of campaigns, ads and those who see them."""

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from spark_jobs.simulate.events import engagement_lines
from spark_jobs.simulate.lines import as_lines, identified, lateness, moment
from spark_jobs.simulate.network import topic_name
from spark_jobs.simulate.world import FIRST_AD_ID, FIRST_CAMPAIGN_ID, FIRST_USER_ID, HOUR_MS, World


def advertised(world: World, running: DataFrame, listed: DataFrame) -> list[DataFrame]:
    """Campaigns and their ads, announced an hour before they start."""
    announced_ms = F.col("starts_ms") - HOUR_MS
    campaigns = as_lines(
        world,
        identified(running, "campaign", ("campaign",), announced_ms),
        "campaign_upserted",
        {
            "campaign_id": F.col("campaign") + FIRST_CAMPAIGN_ID,
            "advertiser_id": F.col("advertiser") + FIRST_USER_ID,
            "name": F.concat_ws(" ", F.lit("Campaign"), "campaign"),
            "budget": F.col("budget"),
            "starts_at": moment(F.col("starts_ms")),
            "ends_at": moment(F.col("ends_ms")),
            "daily_budget": F.col("daily_budget"),
            "pacing": F.col("pacing"),
        },
    )
    topic = topic_name(F.col("target_topic"))
    ads = as_lines(
        world,
        identified(listed, "ad", ("ad",), announced_ms),
        "ad_upserted",
        {
            "ad_id": F.col("ad") + FIRST_AD_ID,
            "campaign_id": F.col("campaign") + FIRST_CAMPAIGN_ID,
            "post_id": F.col("post_id"),
            "bid": F.col("bid"),
            "quality": F.col("ad_quality"),
            "frequency_cap": F.col("cap"),
            "countries": F.when(F.col("target_country").isNotNull(), F.array("target_country")),
            # The condition is on the number: Spark treats the entry of a constant array at a null index as present.
            "interests": F.when(F.col("target_topic").isNotNull(), F.array(topic)),
            "min_age": F.col("min_age"),
            "max_age": F.col("max_age"),
            "is_active": F.lit(col=True),
        },
    )
    return [campaigns, ads]


def ad_activity(world: World, reacted: DataFrame) -> list[DataFrame]:
    """Impressions of ads and the engagements they led to; both name the ad."""
    ad_id = F.col("ad") + FIRST_AD_ID
    place = ("user", "slot", "place")
    impressions = as_lines(
        world,
        identified(reacted, "adimp", place, F.col("shown_ms")),
        "impression",
        {
            "user_id": F.col("user") + FIRST_USER_ID,
            "post_id": F.col("post_id"),
            "request_id": F.concat_ws("-", F.lit("r"), "user", "slot"),
            "position": F.col("position").cast("int"),
            "session_id": F.concat_ws("-", F.lit("s"), "user", "slot"),
            "device": F.col("device"),
            "surface": F.lit("ads"),
            "connection": F.col("connection"),
            "ad_id": ad_id,
        },
        lateness(world),
    )
    impression_id, act_id = (F.concat_ws("-", F.lit("adimp"), *place), F.concat_ws("-", F.lit("ad"), "kind", *place))
    return [impressions, engagement_lines(world, reacted, impression_id, act_id, ad_id)]
