"""How well an author's posts match those that a viewer engages with: by type, topic, time, format and length."""

from collections.abc import Sequence
from datetime import date

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from contracts.features import TOPICS
from contracts.landing import CONTENT_TYPES
from contracts.settings import FeatureRules, Smoothing
from spark_jobs.features.interactions import counted, event_interval, totals_on_days

QUARTERS = 4
FAMILIES: dict[str, int] = {
    "type": len(CONTENT_TYPES),
    "topic": len(TOPICS),
    "time": QUARTERS,
    "format": 3,
    "length": 3,
}
"""Number of kinds in each family by which posts are classified."""


def profiles(
    posts: DataFrame, days: Sequence[date], activity_days: int, smoothing: Smoothing, rules: FeatureRules
) -> DataFrame:
    """Share of each kind in somebody's posts; the shares of a family sum to 1.

    ``posts`` names the person (``user_id``), the post's content_type, topics, media_count and length, and when:
    event_time, event_date, seen_day. Grain: user_id, ds; columns ``<family>_<kind>``.
    """
    counts = {
        f"{family}_{at}": F.count_if(is_of) for family, kinds in _kinds(rules).items() for at, is_of in enumerate(kinds)
    }
    totals = totals_on_days(
        [counted(posts.select("*", *event_interval(activity_days)), ["user_id"], counts)], ["user_id"], days
    )
    return totals.select("user_id", "ds", *(column.alias(name) for name, column in _shares(smoothing).items()))


def _kinds(rules: FeatureRules) -> dict[str, list[Column]]:
    media, length = F.col("media_count"), F.col("length")
    quarter = F.floor(F.hour("event_time") / (24 // QUARTERS))
    return {
        "type": [F.col("content_type") == kind for kind in CONTENT_TYPES],
        "topic": [F.array_contains("topics", topic) for topic in TOPICS],
        "time": [quarter == number for number in range(QUARTERS)],
        "format": [media < 1, media == 1, media > 1],
        "length": [
            length < rules.short_text,
            (length >= rules.short_text) & (length < rules.long_text),
            length >= rules.long_text,
        ],
    }


def _shares(smoothing: Smoothing) -> dict[str, Column]:
    """Shares, smoothed towards equal shares."""
    columns: dict[str, Column] = {}
    for family, size in FAMILIES.items():
        names = [f"{family}_{at}" for at in range(size)]
        trials = sum((F.col(name) for name in names), F.lit(0)) + F.lit(smoothing.profile_strength)
        columns |= {name: (F.col(name) + F.lit(smoothing.profile_strength / size)) / trials for name in names}
    return columns


def join_profiles(pairs: DataFrame, viewers: DataFrame, authors: DataFrame) -> DataFrame:
    """``pairs`` with ``<family>_match``: the chance that a post of each is of the same kind.

    A user without a profile has equal shares, which gives 1 / kinds for any shares of the other.
    """
    names = [name for name in viewers.columns if name not in {"user_id", "ds"}]
    of_viewer = viewers.select("user_id", "ds", *(F.col(name).alias(f"v_{name}") for name in names))
    of_author = authors.select(
        F.col("user_id").alias("author_id"), "ds", *(F.col(name).alias(f"a_{name}") for name in names)
    )
    joined = pairs.join(of_viewer, ["user_id", "ds"], "left").join(of_author, ["author_id", "ds"], "left")
    matches = []
    for family, size in FAMILIES.items():
        equal = F.lit(1.0 / size)
        products = [F.coalesce(f"v_{family}_{at}", equal) * F.coalesce(f"a_{family}_{at}", equal) for at in range(size)]
        matches.append(sum(products[1:], products[0]).alias(f"{family}_match"))
    return joined.select(*pairs.columns, *matches)
