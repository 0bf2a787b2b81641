"""Checks of a night's ads: distances, neighbours, caps, targets and budgets. Each count must be 0 (``docs/ads.md``)."""

from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as F

from spark_jobs.audit.checks import Check, at_most, only_row, report_only
from spark_jobs.night.night import Night
from spark_jobs.rules.ad_money import known_ads, money_of_campaigns
from spark_jobs.rules.point_in_time import known_before
from spark_jobs.rules.policy import labelled_posts, users_who_ask
from spark_jobs.rules.seen import rejected_pairs
from spark_jobs.rules.visibility import read_edges, visible_pairs

CHECKS = (
    "ads_too_close",
    "ads_beside_sensitive_posts",
    "ads_over_frequency_cap",
    "ads_off_target",
    "ads_that_may_not_be_seen",
    "overspent_campaigns",
)


def check_ads(night: Night, ads: DataFrame, pools: DataFrame, flagged: DataFrame) -> list[Check]:
    """Every check of the night's ``ads`` in its ``pools``; without ads nothing is read. ``flagged`` is ``Policy``'s."""
    found = dict.fromkeys(CHECKS, 0)
    num_ads = ads.count()
    if num_ads:
        found |= count_places(night, ads, pools, flagged)
        found |= {"ads_that_may_not_be_seen": count_hidden(night, ads, pools, flagged)}
        found |= {"overspent_campaigns": count_overspent(night, ads)}
    load = num_ads / max(pools.count() + num_ads, 1) if num_ads else 0.0
    return [
        *(at_most(name, found[name], night.settings.audit.max_ad_violations) for name in CHECKS),
        report_only("ad_load", load),
    ]


def count_places(night: Night, ads: DataFrame, pools: DataFrame, flagged: DataFrame) -> dict[str, int]:
    """The first four of ``CHECKS``."""
    rules = night.settings.ads
    users = night.read("silver.users")
    asks = users_who_ask(users, night.as_of, "fewer_ads").withColumn("_asks", F.lit(col=True))
    sensitive = labelled_posts(flagged, rules.sensitive)
    risky = pools.join(sensitive, "post_id", "left_semi").groupBy("user_id").agg(F.collect_set("rank").alias("_risky"))
    known = users.where(known_before(night.as_of, "valid_from")).groupBy("user_id")
    facts = known.agg(F.max_by(F.struct("country", "interests", "birth_year"), "valid_from").alias("viewer"))
    about = known_ads(night.read("silver.ads"), night.as_of).drop("campaign_id", "post_id", "bid_micros")
    every = F.when(F.col("_asks"), rules.every_for_fewer).otherwise(rules.every)
    before = F.lag("after_rank", 1, 0).over(Window.partitionBy("user_id").orderBy("after_rank", "place"))
    times = F.count("*").over(Window.partitionBy("user_id", "ad_id"))
    beside = F.array("after_rank", F.col("after_rank") + 1)
    met = (
        ads.withColumns({"_apart": F.col("after_rank") - before, "_times": times})
        .join(asks, "user_id", "left")
        .join(risky, "user_id", "left")
        .join(facts, "user_id", "left")
        .join(about, "ad_id", "left")
    )
    most = F.least(F.coalesce("frequency_cap", F.lit(rules.max_per_ad)), F.lit(rules.max_per_ad))
    counts = {
        "ads_too_close": F.col("_apart") < every,
        "ads_beside_sensitive_posts": F.coalesce(F.arrays_overlap("_risky", beside), F.lit(col=False)),
        "ads_over_frequency_cap": F.col("_times") > most,
        "ads_off_target": ~F.coalesce(_is_target(night.as_of.year), F.lit(col=False)),
    }
    return only_row(met.agg(*(F.count_if(broken).alias(name) for name, broken in counts.items())))


def _is_target(year: int) -> Column:
    """Whether an ad that is shown is active and targets its viewer; null where the ad is not known."""
    age = year - F.col("viewer.birth_year")
    by_country = (F.size("countries") == 0) | F.array_contains("countries", F.col("viewer.country"))
    by_topic = (F.size("interests") == 0) | F.arrays_overlap("interests", "viewer.interests")
    old_enough = F.col("min_age").isNull() | (age >= F.col("min_age"))
    return (
        F.col("is_active")
        & by_country
        & by_topic
        & old_enough
        & (F.col("max_age").isNull() | (age <= F.col("max_age")))
    )


def count_hidden(night: Night, ads: DataFrame, pools: DataFrame, flagged: DataFrame) -> int:
    """Ads on posts that their user may not see, has rejected or has in the pool, or that policy withholds."""
    pairs = ads.select("user_id", "post_id")
    allowed = visible_pairs(pairs, night.read("silver.posts"), read_edges(night))
    allowed = allowed.join(flagged, "post_id", "left_anti")
    acts = night.read("silver.engagements").where(known_before(night.as_of, "engaged_at"))
    rejected = rejected_pairs(acts.join(pairs.select("post_id").distinct(), "post_id", "left_semi"))
    unwanted = rejected.unionByName(pools.select("user_id", "post_id"))
    keys = ["user_id", "post_id"]
    return pairs.join(allowed.join(unwanted, keys, "left_anti"), keys, "left_anti").count()


def count_overspent(night: Night, ads: DataFrame) -> int:
    """Campaigns whose places cost more, if all are clicked, than they may spend; those that do not run may spend 0."""
    cost = ads.groupBy("campaign_id").agg(F.sum("bid_micros").alias("_cost"))
    met = cost.join(money_of_campaigns(night), "campaign_id", "left")
    return met.where(F.col("_cost") > F.coalesce("tonight_micros", F.lit(0))).count()
