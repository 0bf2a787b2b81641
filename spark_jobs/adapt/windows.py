"""Windows of ``dataset.json`` that fit a source's rhythm: a quiet forum needs months where a busy one needs days."""

from dataclasses import dataclass
from math import ceil
from typing import Any

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from contracts.settings import Dataset
from spark_jobs.rules.counters import POSITIVE

YEAR = 365
"""The rhythm of a source is measured over its last this many days."""


@dataclass(frozen=True)
class Aims:
    """What windows should contain, and limits of their lengths in days.

    ``training_engagements`` are enough to train a model; ``candidate_posts`` are enough to fill a pool of 100 with at
    most 3 posts per author. No window is shorter than the default of ``Dataset``. A night builds a snapshot of all
    users for each training day, so ``most_training_days`` limits the cost.
    """

    training_engagements: int = 4000
    candidate_posts: int = 200
    most_training_days: int = 180
    most_candidate_days: int = 90


@dataclass(frozen=True)
class Rhythm:
    """Counts of the newest ``days`` days of a source; an active day has a positive engagement of a user."""

    days: int
    active_days: int
    engagements: int
    posts: int


def measure(events: DataFrame) -> Rhythm:
    """The rhythm of landing events (event_type, event_time as ISO 8601 text, engagement_type)."""
    day = F.to_date(F.substring("event_time", 1, 10))
    is_engagement = (F.col("event_type") == "engagement") & F.col("engagement_type").isin(*POSITIVE)
    by_day = (
        events.groupBy(day.alias("day"))
        .agg(
            F.count_if(is_engagement).alias("engagements"),
            F.count_if(F.col("event_type") == "post_created").alias("posts"),
        )
        .where((F.col("engagements") > 0) | (F.col("posts") > 0))
    )
    newest = by_day.agg(F.max("day").alias("newest"))
    year = by_day.crossJoin(newest).where(F.col("day") > F.date_sub("newest", YEAR))
    row = year.agg(
        (F.datediff(F.max("newest"), F.min("day")) + 1).alias("days"),
        F.count_if(F.col("engagements") > 0).alias("active_days"),
        F.sum("engagements").alias("engagements"),
        F.sum("posts").alias("posts"),
    ).first()
    assert row is not None, "an aggregate without groups has one row"
    return Rhythm(*(int(row[name] or 0) for name in ("days", "active_days", "engagements", "posts")))


def windows(rhythm: Rhythm, aims: Aims | None = None) -> dict[str, Any]:
    """Keys of ``Dataset`` with fitting windows; a source without any activity gets the longest."""
    aims, default = aims or Aims(), Dataset()
    training = _days_for(
        aims.training_engagements, rhythm.engagements, rhythm.days, default.training_days, aims.most_training_days
    )
    least = default.candidate_hours // 24
    candidates = _days_for(aims.candidate_posts, rhythm.posts, rhythm.days, least, aims.most_candidate_days)
    # Only days with examples calibrate or judge a model, so reserved days are counted among those.
    with_examples = training * rhythm.active_days / max(rhythm.days, 1)
    reserved = max(1, round(with_examples * default.holdout_days / default.training_days))
    return {
        "training_days": training,
        "holdout_days": reserved,
        "calibration_days": reserved,
        "candidate_hours": candidates * 24,
        "activity_days": max(default.activity_days, training * 3 // 5),
    }


def _days_for(aim: int, count: int, days: int, least: int, most: int) -> int:
    """Number of days that contain ``aim`` at the rate of ``found`` in ``days``, between ``least`` and ``most``."""
    return most if count == 0 else min(max(ceil(aim * days / count), least), most)
