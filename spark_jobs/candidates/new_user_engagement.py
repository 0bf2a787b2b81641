"""Engagement of new users with the posts they see: an alert if it is far below the average."""

from datetime import timedelta

from pyspark.sql import functions as F

from spark_jobs.night.night import Night
from spark_jobs.rules.counters import POSITIVE
from spark_jobs.rules.known_taste import users_with_taste
from spark_jobs.rules.seen import recent_log

DAY = timedelta(days=1)


def notes(night: Night) -> list[str]:
    """A sentence on yesterday's impressions that got a like, comment or share; none if new users saw nothing.

    Users count as new if they were new before that day; their engagements during the day do not change this.
    """
    log, acts = night.read("silver.impressions"), night.read("silver.engagements")
    known = users_with_taste(night, night.as_of - DAY).withColumn("is_known", F.lit(col=True))
    answers = recent_log(acts, "engaged_at", night.as_of, DAY).where(F.col("engagement_type").isin(*POSITIVE))
    answered = answers.select("user_id", "post_id", F.lit(1).alias("is_answered")).distinct()
    shown = recent_log(log, "shown_at", night.as_of, DAY).select("user_id", "post_id").distinct()
    impressions = shown.join(answered, ["user_id", "post_id"], "left").join(known, "user_id", "left")
    is_new, is_answered = F.col("is_known").isNull(), F.coalesce("is_answered", F.lit(0))
    rates = impressions.agg(
        F.countDistinct(F.when(is_new, F.col("user_id"))).alias("users"),
        F.avg(F.when(is_new, is_answered)).alias("of_new"),
        F.avg(is_answered).alias("of_all"),
    ).first()
    assert rates is not None, "an aggregate without groups has one row"
    if rates.of_new is None or not rates.of_all:
        return []
    share, least = rates.of_new / rates.of_all, night.settings.new_users.alert_below
    sentence = (
        f"{rates.users:,} new users answered {rates.of_new:.2%} of what they saw yesterday, {share:.0%} of the average"
    )
    return [f"{sentence}."] if share >= least else [f"ALERT: {sentence}, where {least:.0%} are expected."]
