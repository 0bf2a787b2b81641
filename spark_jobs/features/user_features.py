"""gold.user_features: the model's view of every known user as of the end of a day."""

from collections.abc import Sequence
from datetime import date

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from contracts.features import TOPICS, features_of, names_of
from contracts.settings import Smoothing
from spark_jobs.features.days import days_to_build
from spark_jobs.features.interactions import event_log, stack
from spark_jobs.features.user_facts import (
    activity_facts,
    count_facts,
    covered_days,
    network_facts,
    posts_written,
)
from spark_jobs.lake import write_partition
from spark_jobs.night import Night
from spark_jobs.point_in_time import on_days, seen_day
from spark_jobs.rates import log_count, smoothed_rate

TABLE = "gold.user_features"
MAX_AGE = 1.2
"""Ages are clipped to [0, 1.2] hundred years: a mistyped birth year must not stop a night."""


def transform(
    *,
    users: DataFrame,
    posts: DataFrame,
    impressions: DataFrame,
    engagements: DataFrame,
    friendships: DataFrame,
    page_follows: DataFrame,
    group_memberships: DataFrame,
    pages: DataFrame,
    days: Sequence[date],
    activity_days: int,
    smoothing: Smoothing,
) -> DataFrame:
    """Features of every user known at the end of each of ``days``, in one pass; grain: user_id, ds."""
    log = event_log(impressions, engagements, days, activity_days)
    written = posts_written(posts, days, activity_days)
    facts = stack(
        [
            activity_facts(log, posts, written, activity_days),
            network_facts(friendships, page_follows, group_memberships, pages),
        ]
    )
    totals = count_facts(facts, days)
    covered = covered_days(log, written, days, activity_days)
    joined = known_users(users, days).join(totals, ["user_id", "ds"], "left").join(F.broadcast(covered), "ds", "left")
    joined = joined.fillna(0, [name for name in totals.columns if name.startswith("num_")]).fillna(1, ["num_days"])
    columns = {**_profile_columns(), **_count_columns(smoothing), **_interest_columns(smoothing)}
    return joined.select("user_id", *(columns[name].cast("float").alias(name) for name in names_of("user")), "ds")


def known_users(users: DataFrame, days: Sequence[date]) -> DataFrame:
    """Newest version of each user that is visible at the end of each of ``days``; grain: user_id, ds."""
    profile = ("gender", "birth_year", "country", "is_verified", "interests", "signup_at")
    versions = users.select(
        "user_id",
        F.struct("valid_from", *profile).alias("version"),
        seen_day("valid_from", "received_at").alias("from_day"),
        F.lit(None).cast("date").alias("until_day"),
    )
    newest = (
        on_days(versions, days).groupBy("user_id", "ds").agg(F.max_by("version", "version.valid_from").alias("version"))
    )
    return newest.select("user_id", "ds", *(f"version.{name}" for name in profile))


def _profile_columns() -> dict[str, Column]:
    as_of = F.date_add("ds", 1)
    years = (F.year(as_of) - F.col("birth_year")) / F.lit(100.0)
    known = next(feature.default for feature in features_of("user") if feature.name == "age")
    signed_up_s = F.unix_seconds(as_of.cast("timestamp")) - F.unix_seconds("signup_at")
    return {
        "age": F.when(years.isNull(), F.lit(known)).otherwise(F.least(F.greatest(years, F.lit(0.0)), F.lit(MAX_AGE))),
        "gender_code": F.when(F.col("gender") == "female", F.lit(0.0))
        .when(F.col("gender") == "male", F.lit(1.0))
        .otherwise(F.lit(0.5)),
        "location_hash": F.coalesce(F.crc32(F.col("country").cast("binary")) / F.lit(2.0**32), F.lit(0.0)),
        "account_age_years": F.greatest(signed_up_s / F.lit(365.25 * 86400), F.lit(0.0)),
        "is_verified": F.col("is_verified").cast("double"),
    }


def _count_columns(smoothing: Smoothing) -> dict[str, Column]:
    def rate(count: str, trials: str, mean: float) -> Column:
        return smoothed_rate(F.col(f"num_{count}"), F.col(f"num_{trials}"), mean, smoothing.strength)

    per_day = {
        f"{what}_per_day": F.log1p(F.col(f"num_{what}") / F.col("num_days"))
        for what in ("posts", "likes", "comments", "shares", "sessions")
    }
    sizes = {
        f"log_{what}": log_count(F.col(f"num_{what}")) for what in ("friends", "page_follows", "groups", "followers")
    }
    views = F.col("num_views")
    return {
        **per_day,
        **sizes,
        "mobile_ratio": F.when(views > 0, F.col("num_mobile_views") / views).otherwise(F.lit(0.5)),
        "like_rate": rate("likes", "views", smoothing.like_mean),
        "comment_rate": rate("comments", "views", smoothing.comment_mean),
        "share_rate": rate("shares", "views", smoothing.share_mean),
        "negative_rate": rate("negatives", "views", smoothing.negative_mean),
        "photo_engagement_rate": rate("photo_positives", "photo_views", smoothing.engagement_mean),
        "video_engagement_rate": rate("video_positives", "video_views", smoothing.engagement_mean),
        "received_engagement_rate": rate("received_positives", "received_views", smoothing.engagement_mean),
        "received_negative_rate": rate("received_negatives", "received_views", smoothing.negative_mean),
    }


def _interest_columns(smoothing: Smoothing) -> dict[str, Column]:
    """Share of positive engagements on posts of the topic, among those on posts with any topic.

    A post may name several topics, so the shares of one user may sum to more than 1. The prior of a user who chose
    topics at onboarding moves ``onboarding_share`` of its mass to them, in equal parts.
    """
    chosen = F.array_intersect("interests", F.array(*(F.lit(topic) for topic in TOPICS)))
    columns = {}
    for topic in TOPICS:
        told = F.array_contains(chosen, topic).cast("double") / F.greatest(F.size(chosen), F.lit(1))
        mixed = F.lit(smoothing.interest_mean * (1 - smoothing.onboarding_share)) + told * F.lit(
            smoothing.onboarding_share
        )
        prior = F.when(F.size(chosen) > 0, mixed).otherwise(F.lit(smoothing.interest_mean))
        columns[f"interest_{topic}"] = (F.col(f"num_{topic}_positives") + prior * F.lit(smoothing.strength)) / (
            F.col("num_topic_positives") + F.lit(smoothing.strength)
        )
    return columns


def main(night: Night) -> None:
    """Build the night's partition, and earlier ones that are missing or touched, in one commit."""
    days = days_to_build(night, TABLE)
    frame = transform(
        users=night.read("silver.users"),
        posts=night.read("silver.posts"),
        impressions=night.read("silver.impressions"),
        engagements=night.read("silver.engagements"),
        friendships=night.read("silver.friendships"),
        page_follows=night.read("silver.page_follows"),
        group_memberships=night.read("silver.group_memberships"),
        pages=night.read("silver.pages"),
        days=days,
        activity_days=night.settings.dataset.activity_days,
        smoothing=night.settings.smoothing,
    )
    write_partition(night.lake, TABLE, frame, days)
