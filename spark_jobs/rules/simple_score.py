"""The simple score: it orders candidates before a model does, and ranks a night without a model."""

from pyspark.sql import Column
from pyspark.sql import functions as F

from contracts.settings import Settings, SimpleScore


def weighted_engagement(weights: SimpleScore, counts: dict[str, Column]) -> Column:
    """log1p of the sum of a post's engagements, weighted in likes; kinds missing from ``counts`` are 0."""
    worth = {
        "likes": 1.0,
        "comments": weights.comment,
        "shares": weights.share,
        "bookmarks": weights.bookmark,
        "views": weights.view,
    }
    total = F.lit(0.0)
    for kind, count in counts.items():
        total = total + worth[kind] * count
    return F.log1p(total.cast("double"))


def simple_score(age_h: Column, engagement: Column, settings: Settings) -> Column:
    """0.3·e^(-0.1·age_h) + 0.4·engagement + 0.3·relationship; reads the row's pair features.

    Relationship, in [0, 1], is 1 for a friend or a followed author, else n / (n + smoothing strength) for n
    interactions in the activity window: strangers with one click stay near 0, regulars approach 1.
    """
    weights = settings.simple_score
    interactions = F.expm1(F.coalesce(F.col("log_interactions"), F.lit(0.0)).cast("double"))
    relationship = F.greatest(
        F.coalesce(F.col("is_friend"), F.lit(0.0)).cast("double"),
        F.coalesce(F.col("is_follower"), F.lit(0.0)).cast("double"),
        interactions / (interactions + F.lit(settings.smoothing.strength)),
    )
    return (
        weights.recency * F.exp(-weights.recency_decay_per_h * age_h)
        + weights.engagement * engagement
        + weights.relationship * relationship
    ).cast("float")
