"""What each campaign may still spend, and what its ads cost.

An ad is paid per click. A planned place of an ad (a row of ``gold.ranked_ads``) is charged at most one click, at the
bid for which it was planned, and only on the day it was planned for. So a campaign whose places cost at most what it
has left never overspends, however many users click. Money is counted in millionths, in whole numbers.
"""

from datetime import datetime, timedelta

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from contracts.settings import AdRules
from spark_jobs.night.night import Night
from spark_jobs.rules.counters import paid
from spark_jobs.rules.point_in_time import known_before

MICROS = 1_000_000
MOST = 1e12
"""Budgets above it count as it: their millionths still fit 64 bits."""


def micros(money: Column, *, up: bool) -> Column:
    """Money in millionths, rounded up or down; the noise of binary fractions counts for neither."""
    exact = F.round(F.least(money, F.lit(MOST)) * MICROS, 3)
    return (F.ceil(exact) if up else F.floor(exact)).cast("bigint")


def known_ads(ads: DataFrame, as_of: datetime) -> DataFrame:
    """Rows of ``silver.ads`` known at the as-of, with ``bid_micros``."""
    return ads.where(known_before(as_of, "updated_at")).withColumn("bid_micros", micros(F.col("bid"), up=True))


def running(campaigns: DataFrame, as_of: datetime) -> DataFrame:
    """Rows of ``silver.campaigns`` known at the as-of that run all through the day that begins then."""
    ends = F.coalesce(F.col("ends_at") >= F.lit(as_of + timedelta(days=1)), F.lit(col=True))
    return campaigns.where(known_before(as_of, "updated_at") & (F.col("starts_at") <= F.lit(as_of)) & ends)


def money_of_campaigns(night: Night) -> DataFrame:
    """(campaign_id, is_even, spent_micros, tonight_micros) of running campaigns; grain: campaign_id.

    ``spent_micros`` includes what may still be charged for places of earlier nights, ``tonight_micros`` is what the
    places of this night may cost.
    """
    campaigns = running(night.read("silver.campaigns"), night.as_of)
    spent = spent_by(night, campaigns).groupBy("campaign_id").agg(F.sum("cost_micros").alias("_spent"))
    left = F.greatest(micros(F.col("budget"), up=False) - F.col("spent_micros"), F.lit(0))
    return (
        campaigns.join(spent, "campaign_id", "left")
        .withColumn("spent_micros", F.coalesce("_spent", F.lit(0)))
        .select(
            "campaign_id",
            (F.col("pacing") == "even").alias("is_even"),
            "spent_micros",
            _tonight(left, night.as_of, night.settings.ads).alias("tonight_micros"),
        )
    )


def _tonight(left: Column, as_of: datetime, rules: AdRules) -> Column:
    """The part of ``left`` for one day: the daily budget bounds it; without one, even campaigns spread it."""
    num_days = F.coalesce(F.datediff("ends_at", F.lit(as_of)), F.lit(rules.even_days))
    spread = left / F.greatest(num_days, F.lit(1))
    of_day = F.when(F.col("daily_budget").isNotNull(), micros(F.col("daily_budget"), up=False)).otherwise(
        F.when(F.col("pacing") == "even", F.floor(spread)).otherwise(left)
    )
    return F.least(left, of_day).cast("bigint")


def spent_by(night: Night, campaigns: DataFrame) -> DataFrame:
    """(campaign_id, cost_micros) of ``campaigns`` before this night; grain: user, ad and day with a click or a place.

    A place of the last ``late_days`` days costs its bid although nobody clicked, because clicks may still arrive. A
    click on a day before the first planned one, as in an imported history, costs the ad's bid of today.
    """
    ads = known_ads(night.read("silver.ads"), night.as_of)
    mine = ads.join(campaigns.select("campaign_id"), "campaign_id", "left_semi").select(
        "ad_id", F.col("campaign_id").alias("_campaign"), F.col("bid_micros").alias("_bid")
    )
    planned = night.read("gold.ranked_ads").where(F.col("ds") < F.lit(night.ds))
    placed = planned.groupBy("user_id", "ad_id", F.date_add("ds", 1).alias("day")).agg(
        F.first("campaign_id").alias("campaign_id"),
        F.count("*").alias("num_placed"),
        F.sum("bid_micros").alias("placed_micros"),
        F.max("bid_micros").alias("bid_micros"),
    )
    begun = planned.agg(F.date_add(F.min("ds"), 1).alias("_first_planned"))
    met = clicks(night.read("silver.engagements"), night.as_of).join(placed, ["user_id", "ad_id", "day"], "full_outer")
    known = met.join(F.broadcast(mine), "ad_id", "left").crossJoin(F.broadcast(begun))
    first_open = (night.as_of - timedelta(days=night.settings.dataset.late_days)).date()
    charged = F.least(F.coalesce("num_clicks", F.lit(0)), "num_placed") * F.col("bid_micros")
    unplanned = F.when(F.col("day") >= F.col("_first_planned"), 0).otherwise(F.col("num_clicks") * F.col("_bid"))
    cost = (
        F.when(F.col("num_placed").isNull(), unplanned)
        .when(F.col("day") >= F.lit(first_open), F.col("placed_micros"))
        .otherwise(charged)
    )
    whose = F.coalesce("campaign_id", "_campaign").alias("campaign_id")
    return known.select(whose, cost.alias("cost_micros"))


def clicks(engagements: DataFrame, as_of: datetime) -> DataFrame:
    """(user_id, ad_id, day, num_clicks) of the clicks on ads that are known at the as-of."""
    clicked = paid(engagements).where((F.col("engagement_type") == "click") & F.col("user_id").isNotNull())
    by_day = ("user_id", "ad_id", F.col("event_date").alias("day"))
    return clicked.where(known_before(as_of, "engaged_at")).groupBy(*by_day).agg(F.count("*").alias("num_clicks"))
