"""The user features as formulas over a user's profile and counts: registry name to column."""

from pyspark.sql import Column
from pyspark.sql import functions as F

from contracts.features import TOPICS, default_of
from contracts.settings import Smoothing
from spark_jobs.features.graph.network_features import NAMES as NETWORK
from spark_jobs.features.user.circles import circle_columns
from spark_jobs.features.user.tastes import taste_columns
from spark_jobs.features.user.user_facts import PARTS_PER_TURN
from spark_jobs.rules.location_columns import city_ratios, location
from spark_jobs.rules.rates import log_count, share_of, smoothed_mean, smoothed_rate, wilson_lower

MAX_AGE = 1.2
"""Ages are clipped to [0, 1.2] hundred years: a mistyped birth year must not stop a night."""


def user_columns(smoothing: Smoothing) -> dict[str, Column]:
    """Every user feature, from the columns of ``known_users``, ``count_users``, num_days and the day's locations."""
    return {
        **_profile_columns(),
        **_activity_columns(),
        **_rate_columns(smoothing),
        **city_ratios(smoothing),
        **{name: F.col(name) for name in NETWORK},
        **circle_columns(),
        **_interest_columns(smoothing),
        **_habit_columns(),
        **taste_columns(smoothing),
    }


def _profile_columns() -> dict[str, Column]:
    as_of = F.date_add("ds", 1)
    years = (F.year(as_of) - F.col("birth_year")) / F.lit(100.0)
    clipped = F.least(F.greatest(years, F.lit(0.0)), F.lit(MAX_AGE))
    signed_up_s = F.unix_seconds(as_of.cast("timestamp")) - F.unix_seconds("signup_at")
    return {
        "age": F.when(years.isNull(), F.lit(default_of("user", "age"))).otherwise(clipped),
        "gender_code": F.when(F.col("gender") == "female", F.lit(0.0))
        .when(F.col("gender") == "male", F.lit(1.0))
        .otherwise(F.lit(0.5)),
        "location": location(),
        "account_age_years": F.greatest(signed_up_s / F.lit(365.25 * 86400), F.lit(0.0)),
        "is_verified": F.col("is_verified").cast("double"),
    }


def _activity_columns() -> dict[str, Column]:
    per_day = {
        f"{what}_per_day": F.log1p(F.col(f"num_{what}") / F.col("num_days"))
        for what in ("posts", "likes", "comments", "shares", "sessions")
    }
    sizes = {
        f"log_{what}": log_count(F.col(f"num_{what}")) for what in ("friends", "page_follows", "groups", "followers")
    }
    hours = share_of(F.col("session_micros"), F.col("num_sessions")) / F.lit(3600e6)
    received = F.col("num_received_positives"), F.col("num_received_views")
    return {**per_day, **sizes, "session_hours": hours, "authority": wilson_lower(*received)}


def _rates(smoothing: Smoothing) -> dict[str, tuple[str, str, float]]:
    """Each smoothed rate: its count, its trials and its prior mean."""
    kinds = ("photo", "video", "link", "friend", "page", "ad")
    devices = {"mobile": smoothing.mobile_mean, "tablet": smoothing.tablet_mean, "desktop": smoothing.desktop_mean}
    connections = ("wifi", "cellular")
    return {
        "like_rate": ("likes", "views", smoothing.like_mean),
        "comment_rate": ("comments", "views", smoothing.comment_mean),
        "share_rate": ("shares", "views", smoothing.share_mean),
        "click_rate": ("clicks", "views", smoothing.click_mean),
        "negative_rate": ("negatives", "views", smoothing.negative_mean),
        "hide_rate": ("hides", "views", smoothing.hide_mean),
        "report_rate": ("reports", "views", smoothing.report_mean),
        "video_completion_rate": ("video_completions", "video_views", smoothing.completion_mean),
        **{f"{k}_engagement_rate": (f"{k}_positives", f"{k}_views", smoothing.engagement_mean) for k in kinds},
        "received_engagement_rate": ("received_positives", "received_views", smoothing.engagement_mean),
        "received_negative_rate": ("received_negatives", "received_views", smoothing.negative_mean),
        "received_report_rate": ("received_reports", "received_views", smoothing.report_mean),
        "received_read_rate": ("received_reads", "received_views", smoothing.read_mean),
        "weekend_ratio": ("weekend_events", "events", smoothing.weekend_mean),
        **{
            f"{part}_ratio": (f"{part}_events", "events", smoothing.day_part_mean)
            for part in ("morning", "afternoon", "evening")
        },
        **{f"{device}_ratio": (f"{device}_views", "device_views", mean) for device, mean in devices.items()},
        **{f"{k}_ratio": (f"{k}_views", "connected_views", smoothing.connection_mean) for k in connections},
    }


def _rate_columns(smoothing: Smoothing) -> dict[str, Column]:
    columns = {
        name: smoothed_rate(F.col(f"num_{count}"), F.col(f"num_{trials}"), mean, smoothing.strength)
        for name, (count, trials, mean) in _rates(smoothing).items()
    }
    seconds = F.col("dwell_ms") / F.lit(1000.0)
    columns["dwell_per_post"] = smoothed_mean(seconds, F.col("num_views"), smoothing.dwell_mean_s, smoothing.strength)
    return columns


def _habit_columns() -> dict[str, Column]:
    """The user's expected session; its state is that at the middle view of a session."""
    events, sessions, views = F.col("num_events"), F.col("num_sessions"), F.col("num_session_views")
    behind = F.greatest(share_of(views, sessions) - F.lit(1.0), F.lit(0.0)) / F.lit(2.0)
    minutes = share_of(F.col("session_micros"), sessions) / F.lit(2 * 60e6)
    return {
        **{f"usual_hour_{p}": share_of(F.col(f"hour_{p}_micros"), events) / PARTS_PER_TURN for p in ("sin", "cos")},
        "usual_session_views": F.log1p(behind),
        "usual_session_minutes": F.log1p(minutes),
        "usual_new_session": F.when(views > 0, F.least(sessions / views, F.lit(1.0))).otherwise(F.lit(1.0)),
    }


def _interest_columns(smoothing: Smoothing) -> dict[str, Column]:
    """Share of positive engagements on posts of the topic, among those on posts with any topic.

    A post may name several topics, so the shares of one user may sum to more than 1. The prior of a user who chose
    topics at onboarding moves ``onboarding_share`` of its mass to them, in equal parts.
    """
    chosen = F.array_intersect("interests", F.array(*(F.lit(topic) for topic in TOPICS)))
    columns = {}
    for topic in TOPICS:
        chosen_share = F.array_contains(chosen, topic).cast("double") / F.greatest(F.size(chosen), F.lit(1))
        mixed = F.lit(smoothing.interest_mean * (1 - smoothing.onboarding_share)) + chosen_share * F.lit(
            smoothing.onboarding_share
        )
        prior = F.when(F.size(chosen) > 0, mixed).otherwise(F.lit(smoothing.interest_mean))
        columns[f"interest_{topic}"] = (F.col(f"num_{topic}_positives") + prior * F.lit(smoothing.strength)) / (
            F.col("num_topic_positives") + F.lit(smoothing.strength)
        )
    return columns
