"""What the posts that users engage with say, and who wrote them: sums for the vectors among the user features.

An engagement is one that counts for the interests: a like, a comment or a share.
"""

from collections.abc import Sequence
from datetime import date

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from contracts.features import CREATOR_SKETCH
from contracts.settings import Content, Smoothing
from spark_jobs.contents import join_contents
from spark_jobs.counters import POSITIVE, is_kind
from spark_jobs.creator_sketch import sketch_of
from spark_jobs.features.interactions import counted, event_interval, totals_on_days
from spark_jobs.rates import smoothed_mean

PARTS_PER_UNIT = 1_000_000
"""Embeddings are summed as whole millionths: a sum of floats depends on the order of its rows."""


def count_tastes(
    log: DataFrame, posts: DataFrame, contents: DataFrame, days: Sequence[date], activity_days: int
) -> DataFrame:
    """Engagements of every user, by what was read of the posts and by the sketch of their authors.

    Grain: user_id, ds. ``log`` is that of ``spark_jobs.features.interactions``, ``contents`` gold.content_embeddings. A
    post counts with its text as it stood when the user engaged.
    """
    acts = log.where(F.col("user_id").isNotNull() & is_kind(*POSITIVE)).join(
        posts.select("post_id", "author_id"), "post_id", "inner"
    )
    points = acts.select(
        "user_id",
        "post_id",
        F.col("event_time").alias("instant"),
        sketch_of(F.col("author_id")).alias("sketch"),
        *event_interval(activity_days),
    )
    micros = F.transform("embedding", lambda x: F.round(x * F.lit(PARTS_PER_UNIT)).cast("long"))
    read = join_contents(points, contents, {"micros": micros})
    counts = {"num_engaged": F.count("*"), "num_read": F.count("micros")}
    counts |= {name: F.sum(F.get("micros", F.lit(at))) for at, name in enumerate(_embedded())}
    counts |= {name: F.sum(F.get("sketch", F.lit(at))) for at, name in enumerate(_sketched())}
    return totals_on_days([counted(read, ["user_id"], counts)], ["user_id"], days)


def taste_columns(smoothing: Smoothing) -> dict[str, Column]:
    """The vectors, from the counts of ``count_tastes``: means and shares, shrunk towards 0 by as many as a profile."""

    def means(names: Sequence[str], trials: str, unit: int) -> Column:
        totals = (F.col(name) / F.lit(float(unit)) for name in names)
        strength = float(smoothing.profile_strength)
        return F.array(*(smoothed_mean(total, F.col(trials), 0.0, strength).cast("float") for total in totals))

    return {
        "topic_preference": means(_embedded(), "num_read", PARTS_PER_UNIT),
        "creator_affinity": means(_sketched(), "num_engaged", 1),
    }


def _embedded() -> list[str]:
    return [f"embedded_{at}" for at in range(Content().embedding_size)]


def _sketched() -> list[str]:
    return [f"sketched_{at}" for at in range(CREATOR_SKETCH)]
