"""gold.locations: the countries and cities that the models of a night know; any other is unknown.

They come from the rows that the night's model is trained on: organic impressions of the training days (engagements, if
a source logs no impressions), with the country of the viewer's profile as of each row. Calibration days and held-out
days are left out, as nothing is trained on them.
"""

from collections.abc import Sequence
from datetime import date

from pyspark.sql import DataFrame, Window
from pyspark.sql import functions as F

from contracts.features import KNOWN_CITIES
from contracts.settings import Dataset, FeatureRules
from spark_jobs.features.days import plan_days, record
from spark_jobs.features.interactions import event_log
from spark_jobs.night.night import Night
from spark_jobs.night.writers import write_partition
from spark_jobs.rules.point_in_time import on_days, seen_day

TABLE = "gold.locations"
_INTERVAL = ("from_day", "until_day")


def transform(
    *,
    users: DataFrame,
    impressions: DataFrame,
    engagements: DataFrame,
    days: Sequence[date],
    dataset: Dataset,
    rules: FeatureRules,
) -> DataFrame:
    """Known locations of the nights ``days``; grain: kind, location, ds."""
    rows = training_rows(event_log(impressions, engagements, days, dataset.training_days + 1), dataset)
    active = rows.groupBy("user_id", "event_date").agg(*(F.min(name).alias(name) for name in _INTERVAL))
    countries = profiles_of(active, users).select(F.lit("country").alias("kind"), "location", "user_id", *_INTERVAL)
    cities = rows.select(F.lit("city").alias("kind"), F.col("city").alias("location"), "user_id", *_INTERVAL)
    named = countries.unionByName(cities.distinct()).where(F.col("location") != "")
    users_with = (
        on_days(named, days).groupBy("kind", "location", "ds").agg(F.countDistinct("user_id").alias("num_users"))
    )
    everyone = on_days(active, days).groupBy("ds").agg(F.countDistinct("user_id").alias("_everyone"))
    most_first = Window.partitionBy("kind", "ds").orderBy(F.desc("num_users"), "location")
    known = (
        users_with.where(F.col("num_users") >= rules.location_users)
        .join(F.broadcast(everyone), "ds", "inner")
        .withColumn("rank", F.row_number().over(most_first))
    )
    share = (F.col("num_users") / F.col("_everyone")).alias("share")
    kept = (F.col("kind") == "country") | (F.col("rank") <= KNOWN_CITIES)
    return known.where(kept).select("kind", "location", "num_users", share, "rank", "ds")


def training_rows(log: DataFrame, dataset: Dataset) -> DataFrame:
    """Events of ``log`` for training, with the nights that train on them: [``from_day``, ``until_day``).

    A night trains on a day if its label windows have closed and enough later days are left for calibration and for
    holding out.
    """
    kept_back = max(1, dataset.attribution_hours // 24) + dataset.calibration_days + dataset.holdout_days
    is_view = F.col("kind") == "impression"
    is_row = is_view if dataset.has_impressions else ~is_view & F.col("user_id").isNotNull()
    return log.where(is_row).select(
        "user_id",
        "city",
        "event_date",
        F.greatest("seen_day", F.date_add("event_date", kept_back)).alias("from_day"),
        F.date_add("event_date", dataset.training_days + 1).alias("until_day"),
    )


def profiles_of(active: DataFrame, users: DataFrame) -> DataFrame:
    """``active`` (user_id, event_date, ...) with ``location``, the country in the snapshot before the date."""
    versions = users.select("user_id", "country", "valid_from", seen_day("valid_from", "received_at").alias("known_on"))
    known = active.join(versions, "user_id", "inner").where(F.col("known_on") < F.col("event_date"))
    return known.groupBy(*active.columns).agg(F.max_by("country", "valid_from").alias("location"))


def main(night: Night) -> None:
    """Build the night's partition, and earlier ones that are missing or touched, in one commit."""
    plan, settings = plan_days(night, TABLE), night.settings
    frame = transform(
        users=night.read("silver.users"),
        impressions=night.read("silver.impressions"),
        engagements=night.read("silver.engagements"),
        days=plan.days,
        dataset=settings.dataset,
        rules=settings.rules,
    )
    write_partition(night.lake, TABLE, frame, plan.days)
    record(night, plan)
