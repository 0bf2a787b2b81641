"""``gold.ranked_ads``: the ads of every pool, for the day that begins at the as-of.

Grain: user_id, place, ds. Ads with the highest eCPM (1000 · bid · click rate · quality) come first, within targets,
frequency caps, pacing and budgets (``docs/ads.md``). Users are split by hash into groups, each with its share of every
campaign's places. So budgets hold though no partition sees another, and results do not depend on partitions.
"""

import pyarrow as pa
from pyspark.sql import DataFrame, Observation
from pyspark.sql import functions as F

from contracts.run_records import AdsRecord
from spark_jobs.night.night import Night
from spark_jobs.night.writers import write_partition
from spark_jobs.rerank.ads.auction import Draw, Offers
from spark_jobs.rerank.ads.offers import offers_of, promoted
from spark_jobs.rerank.ads.worker import SCHEMA, AdPlan, fill_group
from spark_jobs.rules.ad_money import MICROS
from spark_jobs.rules.point_in_time import known_before
from spark_jobs.rules.policy import labelled_posts, read_policy
from spark_jobs.rules.seen import rejected_pairs
from spark_jobs.rules.visibility import active, both_directions


def barred_pairs(night: Night, posts: DataFrame, pools: DataFrame) -> DataFrame:
    """(user_id, post_id) of promoted ``posts`` (post_id, author_id) that a user must not see.

    The user wrote the post, has hidden or reported it, is blocked with its author, or has it in the pool already.
    """
    blocked = both_directions(active(night.read("silver.blocks"), night.as_of))
    blocked = blocked.join(posts, blocked["blocked_id"] == posts["author_id"], "inner").select("user_id", "post_id")
    own = posts.where(F.col("author_id").isNotNull()).select(F.col("author_id").alias("user_id"), "post_id")
    heard = night.read("silver.engagements").where(known_before(night.as_of, "engaged_at"))
    hidden = rejected_pairs(heard.join(posts.select("post_id"), "post_id", "left_semi"))
    ranked = pools.join(posts.select("post_id"), "post_id", "left_semi").select("user_id", "post_id")
    return blocked.unionByName(own).unionByName(hidden).unionByName(ranked)


def viewers(night: Night, pools: DataFrame, posts: DataFrame, flagged: DataFrame, usual_rate: float) -> DataFrame:
    """The users with a pool tonight, with the columns that ``fill_group`` asks for but ``group``; grain: user_id.

    ``readiness`` is the user's engagement rate on ads against the ``usual_rate``.
    """
    sensitive = labelled_posts(flagged, night.settings.ads.sensitive).withColumn("_is_sensitive", F.lit(col=True))
    rank = F.when(F.col("_is_sensitive"), F.col("rank"))
    judged = pools.join(F.broadcast(sensitive), "post_id", "left")
    lengths = judged.groupBy("user_id").agg(F.max("rank").alias("length"), F.collect_list(rank).alias("sensitive"))
    barred = barred_pairs(night, posts, pools).groupBy("user_id").agg(F.collect_set("post_id").alias("barred"))
    users = night.read("silver.users").where(known_before(night.as_of, "valid_from"))
    facts = F.struct("country", "interests", "birth_year", "feed_preferences")
    newest = users.groupBy("user_id").agg(F.max_by(facts, "valid_from").alias("_user"))
    features = night.read("gold.user_features").where(F.col("ds") == F.lit(night.ds))
    readiness = F.col("ad_engagement_rate").cast("double") / F.lit(usual_rate)
    return (
        lengths.join(newest, "user_id", "left")
        .join(barred, "user_id", "left")
        .join(features.select("user_id", readiness.alias("_readiness")), "user_id", "left")
        .select(
            "user_id",
            "length",
            "sensitive",
            F.coalesce("barred", F.array().cast("array<bigint>")).alias("barred"),
            "_user.country",
            F.coalesce("_user.interests", F.array().cast("array<string>")).alias("interests"),
            "_user.birth_year",
            F.coalesce(F.array_contains("_user.feed_preferences", "fewer_ads"), F.lit(col=False)).alias("asks_fewer"),
            F.coalesce("_readiness", F.lit(1.0)).alias("readiness"),
        )
    )


def count_users(night: Night) -> tuple[int, float]:
    """Number of users, and their mean engagement rate on ads; of decimals, so that it has one value in any order."""
    features = night.read("gold.user_features").where(F.col("ds") == F.lit(night.ds))
    rate = F.avg(F.col("ad_engagement_rate").cast("decimal(18,9)")).cast("double")
    row = features.agg(F.count("*").alias("n"), rate.alias("rate")).first()
    assert row is not None, "an aggregate without groups has one row"
    return int(row.n), float(row.rate or 1.0)


def fill(users: DataFrame, plan: AdPlan) -> DataFrame:
    """Ads (``SCHEMA``) of ``viewers``, whatever their order and partitions."""

    def fill_one(group: pa.Table) -> pa.Table:
        return fill_group(plan, group)

    number = F.xxhash64(F.lit(plan.draw.seed), F.lit(plan.draw.day), "user_id")
    grouped = users.withColumn("group", F.pmod(number, F.lit(plan.num_groups))).groupBy("group")
    return grouped.applyInArrow(fill_one, SCHEMA)


def ranked(night: Night) -> tuple[DataFrame, Offers | None]:
    """The night's ads (``SCHEMA``), and what was on offer; without campaigns, nothing is computed."""
    nothing = night.spark.createDataFrame([], SCHEMA)
    if not night.settings.ads.every or night.read("silver.campaigns").isEmpty():
        return nothing, None
    policy = read_policy(night)
    found = offers_of(night, promoted(night, policy))
    if found is None:
        return nothing, None
    pools = night.read("gold.ranked_feeds").where(F.col("ds") == F.lit(night.ds)).select("user_id", "rank", "post_id")
    rules, (num_users, usual_rate) = night.settings.ads, count_users(night)
    num_groups = max(1, -(-num_users // rules.users_per_group))
    draw = Draw(night.settings.seed, night.ds.toordinal())
    plan = AdPlan(found.offers, found.countries, found.topics, rules, draw, num_groups, night.as_of.year)
    posts = F.broadcast(night.spark.createDataFrame(found.posts))
    return fill(viewers(night, pools, posts, policy.flagged, usual_rate), plan), found.offers


def report(night: Night, offers: Offers | None, counted: dict[str, int]) -> None:
    """Write to ``ads.json`` what was on offer and what was planned, and report it."""
    record = AdsRecord(
        ds=night.ds.isoformat(),
        campaigns=0 if offers is None else int((offers.allowance > 0).sum()),
        paid_for=0 if offers is None else int(offers.allowance.sum()),
        ads=counted["ads"],
        most_charged=(counted["micros"] or 0) / MICROS,
    )
    night.files.ads.write(record)
    sentence = (
        f"{record['campaigns']:,} campaigns can pay for {record['paid_for']:,} places of this day; {record['ads']:,} "
        f"places have an ad, and cost {record['most_charged']:,.2f} if all are clicked."
    )
    night.add_notes("gold.ranked_ads", [] if offers is None else [sentence])


def main(night: Night) -> None:
    """Write the night's partition of ``gold.ranked_ads``."""
    night.lake.create("gold.ranked_ads")
    ads, offers = ranked(night)
    counts = Observation("ads")
    seen = ads.observe(counts, F.count("*").alias("ads"), F.sum("bid_micros").alias("micros"))
    write_partition(night.lake, "gold.ranked_ads", seen.withColumn("ds", F.lit(night.ds)), [night.ds])
    report(night, offers, counts.get)
