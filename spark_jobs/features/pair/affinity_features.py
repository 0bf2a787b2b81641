"""gold.affinity_features: features of a viewer and an author as of the end of a day; sparse."""

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from contracts.features import names_of
from contracts.settings import FeatureRules, Smoothing
from spark_jobs.features.days import plan_days, record
from spark_jobs.features.interactions import event_log, posts_written, with_posts
from spark_jobs.features.pair.content_match import FAMILIES, join_profiles, profiles
from spark_jobs.features.pair.pair_facts import LOG_PARTS, RETURNED, count_pairs, mean_dwell, returned
from spark_jobs.features.pair.social_proof import PROOFS, social_proof
from spark_jobs.night.night import Night
from spark_jobs.night.writers import write_partition
from spark_jobs.rules.counters import POSITIVE, is_kind
from spark_jobs.rules.post_versions import all_versions
from spark_jobs.rules.rates import log_count, smoothed_mean, smoothed_rate

TABLE = "gold.affinity_features"
RECENCY_DAYS = 7.0


def transform(
    *,
    totals: DataFrame,
    viewers: DataFrame,
    authors: DataFrame,
    activity_days: int,
    smoothing: Smoothing,
    rules: FeatureRules,
) -> DataFrame:
    """Features of every pair of ``totals``; grain: user_id, author_id, ds.

    ``totals`` come from ``pair_facts``; ``viewers`` and ``authors`` are profiles of ``content_match``.
    """
    keys = ["user_id", "author_id", "ds"]
    joined = totals.join(social_proof(totals, rules), keys, "left").join(returned(totals), keys, "left")
    filled = joined.fillna(0, [*PROOFS, *RETURNED.values()]).join(F.broadcast(mean_dwell(totals)), "ds", "left")
    matched = join_profiles(filled, viewers, authors)
    columns = pair_columns(activity_days, smoothing, rules)
    features = [columns[name].cast("float").alias(name) for name in names_of("pair")]
    return matched.select("user_id", "author_id", *features, "ds")


def pair_columns(activity_days: int, smoothing: Smoothing, rules: FeatureRules) -> dict[str, Column]:
    """Registry name to column, over the counts and matches of a pair."""
    return {
        **_relationship_columns(activity_days, rules),
        **_history_columns(activity_days, smoothing),
        **{f"{family}_match": F.col(f"{family}_match") for family in FAMILIES},
        **{name.replace("num_", "log_"): log_count(F.col(name)) for name in PROOFS},
    }


def _relationship_columns(activity_days: int, rules: FeatureRules) -> dict[str, Column]:
    is_friend, interactions = F.col("num_friendships") > 0, F.col("num_interactions")
    messages = F.col("num_comments") + F.col("num_answers")
    return {
        "is_friend": is_friend,
        "is_close_friend": is_friend & (interactions >= rules.close_interactions),
        "is_family": F.col("num_family") > 0,
        "is_follower": F.col("num_follows") > 0,
        "interaction_frequency": F.log1p(interactions / F.lit(float(activity_days))),
        "message_frequency": F.log1p(messages / F.lit(float(activity_days))),
        "log_mutual_friends": log_count(F.col("num_mutual_friends")),
        "log_interactions": log_count(interactions),
        "log_profile_visits": log_count(F.col("num_profile_visits")),
    }


def _history_columns(activity_days: int, smoothing: Smoothing) -> dict[str, Column]:
    def rate(count: str, mean: float) -> Column:
        return smoothed_rate(F.col(f"num_{count}"), F.col("num_views"), mean, smoothing.strength)

    as_of_micros = F.unix_micros(F.date_add("ds", 1).cast("timestamp"))
    days_since = (as_of_micros - F.col("last_micros")) / F.lit(86400e6)
    of_window = F.least(days_since / F.lit(float(activity_days)), F.lit(1.0))
    seconds = F.col("dwell_ms") / F.lit(1000.0)
    mutual = {name: F.col(name) + F.col(returned_name) for name, returned_name in RETURNED.items()}
    expected = mutual["num_dwells"] * F.coalesce(F.col("mean_log_dwell"), F.lit(0.0))
    beyond_mean = mutual["log_dwell_micros"] / F.lit(LOG_PARTS) - expected
    return {
        "like_rate": rate("likes", smoothing.like_mean),
        "comment_rate": rate("comments", smoothing.comment_mean),
        "share_rate": rate("shares", smoothing.share_mean),
        "negative_rate": rate("negatives", smoothing.negative_mean),
        "dwell_per_post": smoothed_mean(seconds, F.col("num_views"), smoothing.dwell_mean_s, smoothing.strength),
        "days_since_last": F.coalesce(of_window, F.lit(1.0)),
        "recency": F.coalesce(F.exp(-days_since / F.lit(RECENCY_DAYS)), F.lit(0.0)),
        "mutual_engagement_rate": smoothed_rate(
            mutual["num_engaged"], mutual["num_views"], smoothing.engagement_mean, smoothing.strength
        ),
        "log_mutual_views": log_count(mutual["num_views"]),
        "mutual_dwell": smoothed_mean(beyond_mean, mutual["num_dwells"], 0.0, smoothing.strength),
    }


def main(night: Night) -> None:
    """Build the night's partition, and earlier ones that are missing or touched, in one commit."""
    plan, settings = plan_days(night, TABLE), night.settings
    days = plan.days
    versions = all_versions(night.read("silver.posts"), night.read("silver.post_edits"))
    window = settings.dataset.activity_days
    log = event_log(night.read("silver.impressions"), night.read("silver.engagements"), days, window)
    met = with_posts(log.where(F.col("user_id").isNotNull()), versions)
    written = posts_written(versions, days, window).where("author_id IS NOT NULL")
    written = written.withColumnRenamed("author_id", "user_id")
    totals = count_pairs(
        met=met,
        friendships=night.read("silver.friendships"),
        page_follows=night.read("silver.page_follows"),
        pages=night.read("silver.pages"),
        days=days,
        activity_days=window,
        rules=settings.rules,
    ).persist()  # read four times: as pairs, in the other direction, as friends, and as what friends engaged with
    try:
        frame = transform(
            totals=totals,
            viewers=profiles(met.where(is_kind(*POSITIVE)), days, window, settings.smoothing, settings.rules),
            authors=profiles(written, days, window, settings.smoothing, settings.rules),
            activity_days=window,
            smoothing=settings.smoothing,
            rules=settings.rules,
        )
        write_partition(night.lake, TABLE, frame, days)
        record(night, plan)
    finally:
        totals.unpersist()
