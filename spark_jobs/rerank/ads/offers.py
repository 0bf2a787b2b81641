"""The ads that a night may show: those of running campaigns with money left, on posts that everybody may see."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import numpy as np
import pyarrow as pa
from pyspark.sql import DataFrame, Row
from pyspark.sql import functions as F

from contracts.visibility import is_open
from spark_jobs.night.night import Night
from spark_jobs.rerank.ads.auction import ANY, Offers
from spark_jobs.rules.ad_money import MICROS, known_ads, money_of_campaigns
from spark_jobs.rules.counters import paid
from spark_jobs.rules.policy import Policy
from spark_jobs.rules.rates import smoothed_rate
from spark_jobs.rules.recent_posts import existing_posts
from spark_jobs.rules.seen import recent_log

OLDEST = np.iinfo(np.int32).max
MOST_PLACES = 2**40


def promoted(night: Night, policy: Policy) -> DataFrame:
    """Ads that everybody may be shown, with the post's ``author_id``; grain: ad_id.

    They are active and pay, and their post is open and no rule of policy withholds it from anybody.
    """
    ads = known_ads(night.read("silver.ads"), night.as_of).where(F.col("is_active") & (F.col("bid_micros") > 0))
    posts = existing_posts(night.read("silver.posts"), night.as_of)
    open_posts = posts.where(is_open(F.col("privacy"), F.col("source_type"))).select("post_id", "author_id")
    return ads.join(open_posts, "post_id", "inner").join(policy.flagged, "post_id", "left_anti")


def with_click_rate(night: Night, ads: DataFrame) -> DataFrame:
    """``ads`` with ``click_rate`` of the activity window, shrunk to what is usual."""
    window, rules = timedelta(days=night.settings.dataset.activity_days), night.settings.ads
    seen = recent_log(paid(night.read("silver.impressions")), "shown_at", night.as_of, window)
    done = recent_log(paid(night.read("silver.engagements")), "engaged_at", night.as_of, window)
    is_click = F.col("engagement_type") == "click"
    log = seen.select("ad_id", F.lit(0).alias("_click")).unionByName(
        done.where(is_click).select("ad_id", F.lit(1).alias("_click"))
    )
    counted = log.groupBy("ad_id").agg(F.sum("_click").alias("_clicks"), F.sum(1 - F.col("_click")).alias("_views"))
    num_clicks, num_views = (F.coalesce(name, F.lit(0)) for name in ("_clicks", "_views"))
    rate = smoothed_rate(num_clicks, num_views, rules.prior_click_rate, rules.prior_views)
    return ads.join(counted, "ad_id", "left").withColumn("click_rate", rate).drop("_views", "_clicks")


@dataclass(frozen=True)
class Offered:
    """What a night can show: the ``offers``, codes of targeted countries and names of targeted interests.

    ``posts`` is (post_id, author_id) of the promoted posts.
    """

    offers: Offers
    countries: dict[str, int]
    topics: list[str]
    posts: pa.Table


def offers_of(night: Night, ads: DataFrame) -> Offered | None:
    """The night's offers from ``promoted``; None if there are none.

    A campaign can pay for as many places as its dearest ad allows.
    """
    money = money_of_campaigns(night).where(F.col("tonight_micros") > 0)
    rows = with_click_rate(night, ads.join(money, "campaign_id", "inner")).orderBy("ad_id").collect()
    return _arrays(rows, night.settings.ads.max_per_ad) if rows else None


def _arrays(rows: list[Row], max_per_ad: int) -> Offered:
    names = sorted({country for row in rows for country in row.countries})
    # An ad that targets several countries is one offer per country: its cap holds for each user, who has one.
    codes = {name: number for number, name in enumerate(names)}
    topics = sorted({topic for row in rows for topic in row.interests})
    spread = [(row, code) for row in rows for code in ([codes[name] for name in sorted(set(row.countries))] or [ANY])]

    def column(name: str, kind: Any, blank: Any = 0) -> Any:
        values = [row[name] for row, _ in spread]
        return np.array([blank if value is None else value for value in values], dtype=kind)

    campaign_ids, campaign = np.unique(column("campaign_id", np.int64), return_inverse=True)
    bids = column("bid_micros", np.int64)
    dearest = np.zeros(len(campaign_ids), dtype=np.int64)
    np.maximum.at(dearest, campaign, bids)
    tonight, is_even = np.zeros(len(campaign_ids), dtype=np.int64), np.zeros(len(campaign_ids), dtype=np.bool_)
    tonight[campaign], is_even[campaign] = column("tonight_micros", np.int64), column("is_even", np.bool_)
    rates = column("click_rate", np.float64)
    offers = Offers(
        ad_id=column("ad_id", np.int64),
        campaign_id=column("campaign_id", np.int64),
        post_id=column("post_id", np.int64),
        bid_micros=bids,
        click_rate=rates,
        strength=bids / MICROS * column("quality", np.float64) * rates,
        cap=np.minimum(column("frequency_cap", np.int64, max_per_ad), max_per_ad),
        country=np.array([code for _, code in spread], dtype=np.int64),
        topics=np.array([[topic in row.interests for topic in topics] for row, _ in spread], dtype=np.bool_),
        min_age=column("min_age", np.int64),
        max_age=column("max_age", np.int64, OLDEST),
        campaign=campaign,
        allowance=np.minimum(tonight // dearest, MOST_PLACES),
        is_even=is_even,
    )
    posts = {"post_id": [row.post_id for row in rows], "author_id": [row.author_id for row in rows]}
    kinds = pa.schema({name: pa.int64() for name in posts})
    return Offered(offers, codes, topics, pa.table(posts, kinds).group_by(list(posts)).aggregate([]))
