"""The post features, computed in one place for the nightly table and for training examples.

``describe_posts`` computes the features that depend on the version only, ``complete_posts`` those that depend on the
instant. Both tables use both, so that training and serving have the same features.
"""

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from contracts.features import LANGUAGES, TOPICS, default_of, features_of, names_of
from contracts.landing import CONTENT_TYPES
from contracts.settings import Smoothing
from spark_jobs.night.feature_columns import with_defaults
from spark_jobs.rules.contents import join_contents
from spark_jobs.rules.counters import POSITIVE_COUNTS
from spark_jobs.rules.creator_sketch import sketch_of
from spark_jobs.rules.point_in_time import snapshot_day
from spark_jobs.rules.rates import log_count, smoothed_rate

AUTHOR_COLUMNS = {
    "author_log_friends": "log_friends",
    "author_log_followers": "log_followers",
    "author_is_verified": "is_verified",
    "author_engagement_rate": "received_engagement_rate",
    "author_quality": "received_read_rate",
    "author_spam": "received_report_rate",
    "author_authority": "authority",
    "author_negative_rate": "received_negative_rate",
}
"""Author features of a post: the column of ``gold.user_features`` for each."""

WRITING_COLUMNS = (
    "sentiment",
    "log_words",
    "word_length",
    "clause_words",
    "distinct_word_share",
    "capital_share",
    "digit_share",
    "symbol_share",
    "log_exclamations",
    "log_questions",
    "log_links",
)
"""Columns of ``gold.content_embeddings`` on how a text is written: post features, except ``log_links``."""

SATURDAY_OR_SUNDAY = (1, 7)
"""Values of Spark's ``dayofweek``: Sunday is 1."""


def on_weekend(instant: Column) -> Column:
    """1.0 on Saturday and Sunday, UTC."""
    return F.dayofweek(instant).isin(*SATURDAY_OR_SUNDAY).cast("double")


def topics_of(hashtags: Column) -> Column:
    """Distinct names of ``contracts.features.TOPICS`` among the hashtags, in any case."""
    names = F.transform(hashtags, lambda tag: F.lower(F.ltrim(tag, F.lit("#"))))
    return F.array_intersect(names, F.array(*(F.lit(topic) for topic in TOPICS)))


def describe_posts(versions: DataFrame, *carried: str) -> DataFrame:
    """Post features that depend on the version only, under their registry names.

    Grain: that of ``versions``. Adds author_id, created_at, ``text_at`` (when the version was made) and the ``carried``
    columns.
    """
    topics = versions.withColumn("_topics", topics_of(F.col("hashtags")))
    columns = form_columns() | {
        "created_hour": F.hour("created_at") / F.lit(24.0),
        "created_weekday": F.weekday("created_at") / F.lit(7.0),
        "created_on_weekday": F.lit(1.0) - on_weekend(F.col("created_at")),
        "log_length": log_count(F.char_length("text")),
        "has_location": F.col("location").isNotNull().cast("double"),
        "image_quality": F.coalesce("image_quality", F.lit(default_of("post", "image_quality"))),
    }
    columns |= {
        f"topic_{topic}": F.array_contains("_topics", topic).cast("double") / F.greatest(F.size("_topics"), F.lit(1))
        for topic in TOPICS
    }
    features = [column.cast("float").alias(name) for name, column in columns.items()]
    sketch = sketch_of(F.col("author_id")).cast("array<float>").alias("creator_sketch")
    text_at = F.col("updated_at").alias("text_at")
    return topics.select("post_id", "author_id", "created_at", text_at, *carried, *features, sketch)


def form_columns() -> dict[str, Column]:
    """Post features of a version apart from its text: registry name to column."""
    return {
        **{f"is_{kind}": (F.col("content_type") == kind).cast("double") for kind in CONTENT_TYPES},
        "log_media": log_count(F.greatest(F.col("media_count"), F.lit(0))),
        "log_hashtags": log_count(F.size("hashtags")),
        "log_mentions": log_count(F.size("mentions")),
    }


def content_columns() -> dict[str, Column]:
    """Features of a text, from a row of ``gold.content_embeddings``: registry name to column."""
    language = F.when(F.col("language").isin(*LANGUAGES[:-1]), F.col("language")).otherwise(LANGUAGES[-1])
    return {
        **{name: F.col(name) for name in WRITING_COLUMNS},
        "content_embedding": F.col("embedding"),
        "read_topics": F.col("topics"),
        "language": F.array(*((language == name).cast("float") for name in LANGUAGES)),
    }


def complete_posts(points: DataFrame, user_features: DataFrame, contents: DataFrame, smoothing: Smoothing) -> DataFrame:
    """``points`` with every post feature as of their ``instant``.

    ``points`` has the columns of ``describe_posts``, the counters of ``spark_jobs.rules.counters`` and ``instant``.
    Author features come from the newest snapshot taken by then, text features from the version's row in ``contents``
    (gold.content_embeddings); without a row, a feature has the registry's default.
    """
    authors = user_features.select(
        F.col("user_id").alias("author_id"),
        F.col("ds").alias("_snapshot"),
        *(F.col(source).alias(name) for name, source in AUTHOR_COLUMNS.items()),
    )
    joined = points.withColumn("_snapshot", snapshot_day("instant")).join(authors, ["author_id", "_snapshot"], "left")
    of_text = {name: column for name, column in content_columns().items() if name in names_of("post")}
    joined = join_contents(joined, contents, of_text)
    unknown = {feature.name: feature for feature in features_of("post") if feature.name in {*AUTHOR_COLUMNS, *of_text}}
    moving = {name: column.cast("float") for name, column in _moving_columns(smoothing).items()}
    completed = with_defaults(joined, unknown).withColumns(moving).drop("_snapshot")
    missing = set(names_of("post")) - set(completed.columns)
    assert not missing, f"post features without a column: {sorted(missing)}"
    return completed


def _moving_columns(smoothing: Smoothing) -> dict[str, Column]:
    """Features of counters and age: registry name to column."""
    views, likes, comments, shares = (F.col(f"num_{name}") for name in ("views", "likes", "comments", "shares"))
    negatives = F.col("num_negatives")
    age_s = (F.unix_micros("instant") - F.unix_micros("created_at")) / F.lit(1e6)
    age_s = F.greatest(age_s, F.lit(0.0))
    hours = F.greatest(age_s / F.lit(3600.0), F.lit(1.0))
    columns = {
        "log_views": log_count(views),
        "log_likes": log_count(likes),
        "log_comments": log_count(comments),
        "log_shares": log_count(shares),
        "comment_like_ratio": comments / (likes + F.lit(1)),
        "share_like_ratio": shares / (likes + F.lit(1)),
        "engagement_rate": smoothed_rate(
            likes + comments + shares, views, smoothing.engagement_mean, smoothing.strength
        ),
        "negative_rate": smoothed_rate(negatives, views, smoothing.negative_mean, smoothing.strength),
        "age_days": F.log1p(age_s / F.lit(86400.0)),
        "age_weeks": age_s / F.lit(7 * 86400.0),
    }
    columns |= {f"{name}_per_hour": F.log1p(F.col(f"num_{name}") / hours) for name in POSITIVE_COUNTS}
    return columns
