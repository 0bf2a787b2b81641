"""silver.users: every version of a user (SCD2); grain: user_id, valid_from."""

from pyspark.sql import DataFrame, Window
from pyspark.sql import functions as F

from spark_jobs.clean.changes import changed_rows
from spark_jobs.clean.news import typed_news
from spark_jobs.night.night import Night
from spark_jobs.night.writers import merge_by_key

_GENDERS = ("female", "male", "other")


def transform(events: DataFrame, existing: DataFrame) -> DataFrame:
    """All versions of the users in ``events`` (typed user_upserted); ``existing`` is silver.users.

    A version is valid from its event time to that of the next one, independent of the order of arrival. If two versions
    have the same event time, the greater event id counts; if an event was delivered twice, the delivery received first.
    """
    gender = F.lower("gender")
    named = events.select(
        "user_id",
        "name",
        F.when(gender.isin(*_GENDERS), gender).when(gender.isNotNull(), F.lit("other")).alias("gender"),
        "birth_year",
        "country",
        F.coalesce("is_verified", F.lit(col=False)).alias("is_verified"),
        F.coalesce("interests", F.array().cast("array<string>")).alias("interests"),
        "locale",
        "feed_preferences",
        "signup_at",
        F.col("event_time").alias("valid_from"),
        "received_at",
        "event_id",
    )
    affected = existing.join(named.select("user_id").distinct(), on="user_id", how="left_semi")
    versions = named.unionByName(affected.drop("valid_to"))
    same_time = Window.partitionBy("user_id", "valid_from").orderBy(F.desc_nulls_last("event_id"), "received_at")
    kept = versions.withColumn("rank", F.row_number().over(same_time)).where(F.col("rank") == 1).drop("rank")
    by_user = Window.partitionBy("user_id").orderBy("valid_from")
    return kept.withColumn("valid_to", F.lead("valid_from").over(by_user)).select(*existing.columns)


def main(night: Night) -> None:
    """Recompute the versions of users with new events."""
    events = typed_news(night, "silver.users", "user_upserted")
    if events is None:
        return
    existing = night.read("silver.users")
    changed = changed_rows(transform(events, existing), existing, ["user_id"])
    merge_by_key(night.lake, "silver.users", changed, update_when="true")
