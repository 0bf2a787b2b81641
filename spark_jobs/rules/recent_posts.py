"""The posts of the candidate window, with their engagement by the night's as-of."""

from datetime import datetime, timedelta

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from contracts.settings import Settings
from spark_jobs.rules.counters import POSITIVE_COUNTS
from spark_jobs.rules.point_in_time import known_before
from spark_jobs.rules.rates import count_of_log
from spark_jobs.rules.simple_score import weighted_engagement


def existing_posts(posts: DataFrame, as_of: datetime) -> DataFrame:
    """Posts that exist and are not deleted at the as-of, however old."""
    return posts.where(~F.col("is_deleted") & known_before(as_of, "created_at"))


def live_posts(posts: DataFrame, as_of: datetime, settings: Settings) -> DataFrame:
    """Posts of the candidate window that exist and are not deleted at the as-of."""
    oldest = as_of - timedelta(hours=settings.dataset.candidate_hours)
    return existing_posts(posts, as_of).where(F.col("created_at") >= F.lit(oldest))


def recent_posts(posts: DataFrame, post_features: DataFrame, as_of: datetime, settings: Settings) -> DataFrame:
    """Live posts of the candidate window with ``POSITIVE_COUNTS`` and ``engagement``; grain: post_id.

    ``engagement`` = log1p(likes + 2·comments + 3·shares + 2·bookmarks + 0.1·views) with the weights of
    ``settings.simple_score``; a view is the engagement, not an impression. ``post_features`` is the night's partition,
    whose float32 logs give counts exactly up to about a million.
    """
    counts = [count_of_log(f"log_{name}").cast("bigint").alias(name) for name in POSITIVE_COUNTS]
    # Null in partitions from before these columns existed.
    bookmarks, opens = (F.coalesce(name, F.lit(0)).alias(name) for name in ("num_bookmarks", "num_opens"))
    engagements = {name: F.col(name) for name in POSITIVE_COUNTS}
    engagements |= {"bookmarks": F.col("num_bookmarks"), "views": F.col("num_opens")}
    counted = post_features.select("post_id", *counts, bookmarks, opens)
    counted = counted.withColumn("engagement", weighted_engagement(settings.simple_score, engagements))
    counted = counted.drop("num_bookmarks", "num_opens")
    return live_posts(posts, as_of, settings).join(counted, "post_id", "inner")


def public_reason() -> Column:
    """The reason for showing a public post from outside the viewer's network: its popularity, if it has engagement.

    Null ``engagement`` counts as none.
    """
    return F.when(F.col("engagement") > 0, F.lit("popular")).otherwise(F.lit("recent"))
