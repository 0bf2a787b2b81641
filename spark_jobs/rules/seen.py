"""Posts that a user has seen and is not shown again."""

from datetime import datetime, timedelta

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from contracts.landing import TAKEN_BACK_BY
from contracts.settings import Settings
from spark_jobs.rules.point_in_time import known_before


def suppressed_pairs(impressions: DataFrame, engagements: DataFrame, as_of: datetime, settings: Settings) -> DataFrame:
    """(user_id, post_id) seen in the last ``seen_days``, or hidden or reported while the post can be a candidate.

    A post that was shown counts as seen. If a source logs no impressions, any engagement with the post counts, a view
    included.
    """
    # One day more than the window, because a client's clock may be slow.
    hidden_since = (as_of - timedelta(hours=settings.dataset.candidate_hours + 24)).date()
    log, at = (impressions, "shown_at") if settings.dataset.has_impressions else (engagements, "engaged_at")
    seen = recent_log(log, at, as_of, timedelta(days=settings.candidates.seen_days))
    happened = (F.col("event_date") >= F.lit(hidden_since)) & known_before(as_of, "engaged_at")
    hidden = rejected_pairs(engagements.where(happened))
    return seen.select("user_id", "post_id").unionByName(hidden.select("user_id", "post_id")).distinct()


def rejected_pairs(engagements: DataFrame) -> DataFrame:
    """(user_id, post_id) of posts that a user has hidden or reported; an ``unhide`` ends the hides before it.

    A report holds for good.
    """
    kind, at = F.col("engagement_type"), F.col("engaged_at")
    unhide = TAKEN_BACK_BY["hide"]
    acts = engagements.where(kind.isin("hide", unhide, "report") & F.col("user_id").isNotNull())
    last = [F.max(F.when(kind == name, at)).alias(name) for name in ("hide", unhide, "report")]
    is_hidden = F.col("hide").isNotNull() & (F.col(unhide).isNull() | (F.col("hide") >= F.col(unhide)))
    pairs = acts.groupBy("user_id", "post_id").agg(*last)
    return pairs.where(is_hidden | F.col("report").isNotNull()).select("user_id", "post_id")


def recent_log(log: DataFrame, at: str, as_of: datetime, window: timedelta) -> DataFrame:
    """Rows of known users that happened within ``window`` before the as-of and were known by then."""
    since = as_of - window
    in_window = (F.col(at) >= F.lit(since)) & known_before(as_of, at) & F.col("user_id").isNotNull()
    # The partition column too, so that older partitions are not read.
    is_recent = (F.col("event_date") >= F.lit(since.date())) & (F.col("event_date") <= F.lit(as_of.date()))
    return log.where(is_recent & in_window)
