"""The content of an epoch as frames: coded pool rows, user features, post cards and fallback pools."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as F

from contracts.epochs import (
    CONTENT_TYPES,
    FLAG_EXPLORATION,
    FLAG_PUBLIC,
    FLAG_SENSITIVE,
    POOL_DTYPES,
    REASONS,
    SOURCES,
)
from contracts.erasure import NOBODY
from contracts.features import names_of
from contracts.settings import PoolRules
from contracts.visibility import is_open
from spark_jobs.rules.authorship import author_key
from spark_jobs.rules.counters import POSITIVE_COUNTS
from spark_jobs.rules.recent_posts import public_reason

LARGEST_HALF = 65504.0
"""Largest finite float16: scores beyond it are clipped, never infinite."""
_SPARK_TYPES = {"<i8": "bigint", "<u4": "bigint", "<f2": "float", "<f4": "float", "u1": "tinyint"}


def code_pools(ranked: DataFrame) -> DataFrame:
    """(user_id, rank, columns of ``POOL_DTYPES``) of one night's pools; a post of a group is never flagged public."""
    is_flagged = {
        FLAG_PUBLIC: is_open(F.col("privacy"), F.col("source_type")),
        FLAG_EXPLORATION: F.col("is_exploration"),
        FLAG_SENSITIVE: F.col("is_sensitive"),
    }
    flags = sum((F.when(holds, flag).otherwise(0) for flag, holds in is_flagged.items()), F.lit(0))
    coded = {
        "post_id": F.col("post_id"),
        "author_id": F.coalesce("author_id", F.lit(NOBODY)),
        "source_id": F.coalesce("source_id", F.lit(NOBODY)),
        "created_at": F.unix_timestamp("created_at"),
        "score": _clipped(F.col("value_score")),
        "source": _code("source_type", SOURCES),
        "content_type": _code("content_type", CONTENT_TYPES),
        "reason": _code("reason", REASONS),
        "flags": flags,
        "propensity": F.col("propensity"),
    }
    columns = [coded[name].cast(_SPARK_TYPES[dtype]).alias(name) for name, dtype in POOL_DTYPES.items()]
    return ranked.select("user_id", "rank", *columns)


def ads_among(ads: DataFrame, posts: DataFrame) -> DataFrame:
    """Ads of pools as ``code_pools`` takes rows, half a rank after the post that each follows.

    ``ads`` has columns of ``gold.ranked_ads``; ``posts`` the posts that they promote.
    """
    return ads.join(posts, "post_id", "inner").select(
        "user_id",
        (F.col("after_rank") + 0.5).alias("rank"),
        "post_id",
        "author_id",
        F.col("ad_id").alias("source_id"),
        "created_at",
        F.lit(None).cast("double").alias("value_score"),
        F.lit("ad").alias("source_type"),
        "content_type",
        "privacy",
        F.lit("ad").alias("reason"),
        F.lit(col=False).alias("is_exploration"),
        F.lit(col=False).alias("is_sensitive"),
        F.lit(None).cast("double").alias("propensity"),
    )


def _code(column: str, names: Sequence[str]) -> Column:
    return F.array_position(F.array(*(F.lit(name) for name in names)), F.col(column)) - 1


def _clipped(score: Column) -> Column:
    clipped = F.greatest(F.lit(-LARGEST_HALF), F.least(F.lit(LARGEST_HALF), score.cast("double")))
    return F.when(score.isNotNull(), clipped)


def user_vectors(user_features: DataFrame) -> DataFrame:
    """(user_id, features in registry order) of one night."""
    return user_features.select("user_id", *names_of("user"))


def fallback_pool(posts: DataFrame, kind: str, rules: PoolRules) -> dict[str, Any]:
    """Columns of the ``popular`` or ``chronological`` pool: public posts outside groups, few per known author.

    ``posts`` comes from ``recent_posts``; the result has at most ``fallback_size`` rows.
    """
    newest = (F.col("created_at").desc(), F.col("post_id"))
    order = newest if kind == "chronological" else (F.col("engagement").desc(), *newest)
    reason = F.lit("recent") if kind == "chronological" else public_reason()
    place = F.row_number().over(Window.partitionBy(*author_key()).orderBy(*order))
    everyones = posts.where(is_open(F.col("privacy"), F.col("source_type")))
    spread = everyones.withColumn("_place", place)
    best = spread.where(F.col("_place") <= rules.max_per_author).orderBy(*order).limit(rules.fallback_size)
    coded = code_pools(
        best.select(
            F.lit(0).alias("user_id"),
            F.lit(0).alias("rank"),
            "post_id",
            "author_id",
            "source_id",
            "created_at",
            F.col("engagement").alias("value_score"),
            F.lit(kind).alias("source_type"),
            "content_type",
            "privacy",
            reason.alias("reason"),
            F.lit(col=False).alias("is_exploration"),
            F.lit(col=False).alias("is_sensitive"),
            F.lit(1.0).alias("propensity"),
        )
    )
    rows = coded.select(*POOL_DTYPES).collect()
    return {name: np.array([row[name] for row in rows], dtype) for name, dtype in POOL_DTYPES.items()}


def with_promoted(posts: DataFrame, promoted: DataFrame) -> DataFrame:
    """``posts`` of ``recent_posts``, and the rest of the ``promoted``, whose counts are null: older posts have none."""
    older = promoted.join(posts.select("post_id"), "post_id", "left_anti")
    return posts.unionByName(older, allowMissingColumns=True)


def cards(post_ids: DataFrame, posts: DataFrame, users: DataFrame, sources: DataFrame) -> DataFrame:
    """(post_id, value): one card per post as compact JSON; ids are strings, because JavaScript numbers end at 2^53.

    ``posts`` are those of ``recent_posts``, and older ones without counts (``with_promoted``); ``users`` is (author_id,
    author_name), ``sources`` (source_type, source_id, source_name) of pages and groups; a post on someone's own profile
    has its author as source. An unknown author is null, and so is the id of a source that would be the author.
    """
    named = (
        post_ids.join(posts, "post_id", "inner")
        .join(users, "author_id", "left")
        .join(sources, ["source_type", "source_id"], "left")
    )
    author_name = F.coalesce("author_name", F.lit(""))
    text_id = {name: F.col(name).cast("string") for name in ("post_id", "author_id", "source_id")}
    author = F.struct(text_id["author_id"].alias("id"), author_name.alias("name"))
    content = F.struct(F.col("content_type").alias("type"), "text", "hashtags", "media_count")
    card = F.struct(
        text_id["post_id"].alias("id"),
        F.when(F.col("author_id").isNotNull(), author).alias("author"),
        content.alias("content"),
        F.struct(
            F.col("source_type").alias("type"),
            text_id["source_id"].alias("id"),
            F.coalesce("source_name", author_name).alias("name"),
        ).alias("source"),
        F.date_format("created_at", "yyyy-MM-dd'T'HH:mm:ss'Z'").alias("created_at"),
        F.when(F.col(POSITIVE_COUNTS[0]).isNotNull(), F.struct(*POSITIVE_COUNTS)).alias("stats"),
        "privacy",
    )
    return named.select("post_id", F.to_json(card, {"ignoreNullFields": "false"}).cast("binary").alias("value"))


def latest_names(users: DataFrame) -> DataFrame:
    """(author_id, author_name): every user's latest name."""
    return users.groupBy(F.col("user_id").alias("author_id")).agg(F.max_by("name", "valid_from").alias("author_name"))


def source_names(pages: DataFrame, groups: DataFrame) -> DataFrame:
    """(source_type, source_id, source_name) of pages and groups."""
    page = pages.select(F.lit("page").alias("source_type"), F.col("page_id").alias("source_id"), "name")
    group = groups.select(F.lit("group").alias("source_type"), F.col("group_id").alias("source_id"), "name")
    return page.unionByName(group).withColumnRenamed("name", "source_name")
