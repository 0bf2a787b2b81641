"""Feature tables computed from hand-made silver rows, without a lake."""

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

from pyspark.sql import DataFrame, SparkSession

from contracts.settings import FeatureRules, Smoothing
from spark_jobs.features.interactions import ad_log, event_log, posts_written, with_posts
from spark_jobs.features.pair import affinity_features
from spark_jobs.features.pair.content_match import profiles
from spark_jobs.features.pair.pair_facts import count_pairs
from spark_jobs.features.user import user_features
from spark_jobs.features.user.tastes import count_tastes
from spark_jobs.features.user.user_facts import count_cities, count_users, covered_days
from spark_jobs.rules.counters import POSITIVE, is_kind
from spark_jobs.rules.post_columns import WRITING_COLUMNS
from spark_jobs.rules.post_versions import all_versions
from tests.silver_rows import silver

TABLES = (
    "users",
    "posts",
    "post_edits",
    "impressions",
    "engagements",
    "friendships",
    "page_follows",
    "group_memberships",
    "pages",
)
Rows = dict[str, list[dict[str, Any]]]


def frames_of(spark: SparkSession, rows: Rows) -> dict[str, DataFrame]:
    """All silver tables that features read, gold.communities, content_embeddings and locations; without rows, empty."""
    frames = {name: silver(spark, f"silver.{name}", rows.get(name, [])) for name in TABLES}
    gold = ("communities", "content_embeddings", "locations")
    return frames | {name: silver(spark, f"gold.{name}", rows.get(name, [])) for name in gold}


def reading(post: int, moment: Any, dimension: int) -> dict[str, Any]:
    """A text whose embedding lies in one dimension."""
    embedding = [float(place == dimension) for place in range(50)]
    told = {"language": "en", "sentiment": 0.0, "topics": [0.0] * 10, "embedding": embedding}
    known = {"text_hash": dimension, "content_version": "v", "ds": moment.date(), **dict.fromkeys(WRITING_COLUMNS, 0.0)}
    return {"post_id": post, "text_at": moment, **known, **told}


def pair_features(
    frames: Mapping[str, DataFrame],
    days: Sequence[date],
    activity_days: int = 28,
    rules: FeatureRules | None = None,
) -> DataFrame:
    """gold.affinity_features of ``days``."""
    rules, smoothing = rules or FeatureRules(), Smoothing()
    versions = all_versions(frames["posts"], frames["post_edits"])
    log = event_log(frames["impressions"], frames["engagements"], days, activity_days)
    met = with_posts(log.where("user_id IS NOT NULL"), versions)
    written = posts_written(versions, days, activity_days).withColumnRenamed("author_id", "user_id")
    totals = count_pairs(
        met=met,
        **{name: frames[name] for name in ("friendships", "page_follows", "pages")},
        days=days,
        activity_days=activity_days,
        rules=rules,
    )
    return affinity_features.transform(
        totals=totals,
        viewers=profiles(met.where(is_kind(*POSITIVE)), days, activity_days, smoothing, rules),
        authors=profiles(written, days, activity_days, smoothing, rules),
        activity_days=activity_days,
        smoothing=smoothing,
        rules=rules,
    )


def user_features_of(
    frames: Mapping[str, DataFrame],
    days: Sequence[date],
    activity_days: int = 28,
    rules: FeatureRules | None = None,
) -> DataFrame:
    """gold.user_features of ``days``."""
    rules = rules or FeatureRules()
    log = event_log(frames["impressions"], frames["engagements"], days, activity_days)
    versions = all_versions(frames["posts"], frames["post_edits"])
    written = posts_written(versions, days, activity_days)
    used = ("friendships", "page_follows", "group_memberships", "pages")
    totals = count_users(
        log=log,
        ads=ad_log(frames["impressions"], frames["engagements"], days, activity_days),
        versions=versions,
        written=written,
        **{name: frames[name] for name in used},
        days=days,
        activity_days=activity_days,
        rules=rules,
    )
    return user_features.transform(
        users=frames["users"],
        totals=totals,
        tastes=count_tastes(log, versions, frames["content_embeddings"], days, activity_days),
        pairs=pair_features(frames, days, activity_days, rules),
        cities=count_cities(log, days, activity_days, rules.user_cities),
        communities=frames["communities"],
        locations=frames["locations"],
        covered=covered_days(log, written, days, activity_days),
        days=days,
        smoothing=Smoothing(),
        rules=rules,
    )
