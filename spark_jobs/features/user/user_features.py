"""gold.user_features: features of every known user as of the end of a day."""

from collections.abc import Sequence
from datetime import date

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from contracts.features import features_of
from contracts.settings import FeatureRules, Smoothing
from spark_jobs.features.days import plan_days, record
from spark_jobs.features.graph.network_features import NAMES, network_features
from spark_jobs.features.interactions import ad_log, event_log, posts_written
from spark_jobs.features.user.circles import circle_counts
from spark_jobs.features.user.tastes import count_tastes
from spark_jobs.features.user.user_columns import user_columns
from spark_jobs.features.user.user_facts import count_cities, count_users, covered_days
from spark_jobs.night.feature_columns import type_of
from spark_jobs.night.night import Night
from spark_jobs.night.writers import write_partition
from spark_jobs.rules.location_columns import CARRIED, join_cities, join_countries
from spark_jobs.rules.point_in_time import on_days, seen_day
from spark_jobs.rules.post_versions import all_versions

TABLE = "gold.user_features"


def transform(
    *,
    users: DataFrame,
    totals: DataFrame,
    tastes: DataFrame,
    cities: DataFrame,
    pairs: DataFrame,
    communities: DataFrame,
    locations: DataFrame,
    covered: DataFrame,
    days: Sequence[date],
    smoothing: Smoothing,
    rules: FeatureRules,
) -> DataFrame:
    """Features of every user known at the end of each of ``days``, in one pass; grain: user_id, ds.

    ``totals``, ``cities`` and ``covered`` come from ``user_facts``, ``tastes`` from the module of that name; ``pairs``,
    ``communities`` and ``locations`` are the days' rows of gold.affinity_features and of the tables of these names.
    """
    circles, network = circle_counts(pairs, totals, rules), network_features(pairs, communities)
    joined = known_users(users, days)
    for counted in (totals, tastes, cities, circles, network):
        joined = joined.join(counted, ["user_id", "ds"], "left")
    joined = join_cities(join_countries(joined, locations, ["ds"]), locations, ["ds"])
    joined = joined.join(F.broadcast(covered), "ds", "left")
    counts = {*totals.columns, "num_engaged", "num_read", *circles.columns, *NAMES} - {"user_id", "ds"}
    joined = joined.fillna(0, sorted(counts)).fillna(1, ["num_days"])
    columns = user_columns(smoothing)
    features = (columns[feature.name].cast(type_of(feature)).alias(feature.name) for feature in features_of("user"))
    return joined.select("user_id", *features, *CARRIED, "ds")


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


def main(night: Night) -> None:
    """Build the night's partition, and earlier ones that are missing or touched, in one commit."""
    plan, settings = plan_days(night, TABLE), night.settings
    days = plan.days
    shown, done = night.read("silver.impressions"), night.read("silver.engagements")
    versions = all_versions(night.read("silver.posts"), night.read("silver.post_edits"))
    window = settings.dataset.activity_days
    log = event_log(shown, done, days, window)
    written = posts_written(versions, days, window)
    read_by = F.col("ds") <= F.lit(night.ds)
    totals = count_users(
        log=log,
        ads=ad_log(shown, done, days, window),
        versions=versions,
        written=written,
        friendships=night.read("silver.friendships"),
        page_follows=night.read("silver.page_follows"),
        group_memberships=night.read("silver.group_memberships"),
        pages=night.read("silver.pages"),
        days=days,
        activity_days=window,
        rules=settings.rules,
    ).persist()  # read twice: for each user, and for each user as a friend of others
    try:
        frame = transform(
            users=night.read("silver.users"),
            totals=totals,
            tastes=count_tastes(log, versions, night.read("gold.content_embeddings").where(read_by), days, window),
            pairs=night.read("gold.affinity_features").where(F.col("ds").isin(days)),
            cities=count_cities(log, days, window, settings.rules.user_cities),
            communities=night.read("gold.communities").where(F.col("ds").isin(days)),
            locations=night.read("gold.locations").where(F.col("ds").isin(days)),
            covered=covered_days(log, written, days, window),
            days=days,
            smoothing=settings.smoothing,
            rules=settings.rules,
        )
        write_partition(night.lake, TABLE, frame, days)
        record(night, plan)
    finally:
        totals.unpersist()
