"""How much new users engage with what they are shown: an alert where it is far below the average."""

from datetime import timedelta

from pyspark.sql import functions as F

from spark_jobs.night.night import Night
from spark_jobs.rules.counters import POSITIVE
from spark_jobs.rules.known_taste import users_with_taste
from spark_jobs.rules.seen import recent_log

DAY = timedelta(days=1)


def say(night: Night) -> list[str]:
    """A sentence on yesterday's impressions, answered by a like, comment or share; none where new users saw nothing.

    New is who was new before that day: what they answered during it does not decide whether they count.
    """
    log, acts = night.read("silver.impressions"), night.read("silver.engagements")
    known = users_with_taste(night, night.as_of - DAY).withColumn("is_known", F.lit(col=True))
    answers = recent_log(acts, "engaged_at", night.as_of, DAY).where(F.col("engagement_type").isin(*POSITIVE))
    answered = answers.select("user_id", "post_id", F.lit(1).alias("is_answered")).distinct()
    shown = recent_log(log, "shown_at", night.as_of, DAY).select("user_id", "post_id").distinct()
    met = shown.join(answered, ["user_id", "post_id"], "left").join(known, "user_id", "left")
    is_new, is_answered = F.col("is_known").isNull(), F.coalesce("is_answered", F.lit(0))
    found = met.agg(
        F.countDistinct(F.when(is_new, F.col("user_id"))).alias("users"),
        F.avg(F.when(is_new, is_answered)).alias("of_new"),
        F.avg(is_answered).alias("of_all"),
    ).first()
    assert found is not None, "an aggregate without groups has one row"
    if found.of_new is None or not found.of_all:
        return []
    share, least = found.of_new / found.of_all, night.settings.new_users.alert_below
    said = (
        f"{found.users:,} new users answered {found.of_new:.2%} of what they saw yesterday, {share:.0%} of the average"
    )
    return [f"{said}."] if share >= least else [f"ALERT: {said}, where {least:.0%} are expected."]
