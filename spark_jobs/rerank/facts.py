"""What re-ranking asks of posts, as columns: their kind, topic and age, and what is known of new ones."""

from datetime import datetime

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from contracts.epochs import CONTENT_TYPES
from contracts.settings import Settings
from spark_jobs.authorship import author_key
from spark_jobs.rerank.rules.similarity import UNIT
from spark_jobs.rerank.slates import NONE

ENGAGEMENTS = ("likes", "comments", "shares")
AGES_H = (1, 6, 24)
"""Ends of the ages whose shares the settings have; what is older is of the last one."""


def post_facts(posts: DataFrame, post_features: DataFrame, as_of: datetime, settings: Settings) -> DataFrame:
    """content_type, topic, age, is_new, num_engaged, num_views and embedding of each of ``posts``; grain: post_id.

    ``post_features`` is the night's partition; of a post without features, nobody has seen anything. Codes are those
    of ``slates.Candidates``. Embeddings are left empty where no rule compares them.
    """
    age_h = (F.lit(as_of).cast("double") - F.col("created_at").cast("double")) / 3600.0
    counted = post_features.select(
        "post_id",
        "author_id",
        F.coalesce(_count("log_views"), F.lit(0)).alias("num_views"),
        F.coalesce(sum((_count(f"log_{name}") for name in ENGAGEMENTS), F.lit(0)), F.lit(0)).alias("num_engaged"),
        _topic().alias("topic"),
        _whole_numbers(needed="similarity" in settings.rerank.order).alias("embedding"),
    )
    facts = posts.select("post_id", "author_id", "content_type", age_h.alias("_age_h"))
    joined = facts.join(with_author_views(counted), "post_id", "left")
    rules = settings.exploration
    is_new = (
        (F.col("_age_h") < F.lit(rules.new_h))
        | (F.coalesce("num_views", F.lit(0)) < F.lit(rules.few_views))
        | (F.coalesce("author_views", F.lit(0)) < F.lit(rules.few_author_views))
    )
    return joined.select(
        "post_id",
        (F.array_position(F.array(*map(F.lit, CONTENT_TYPES)), F.col("content_type")) - 1).alias("content_type"),
        F.coalesce("topic", F.lit(NONE)).cast("bigint").alias("topic"),
        sum((F.when(F.col("_age_h") < F.lit(end), 0).otherwise(1) for end in AGES_H), F.lit(0))
        .cast("bigint")
        .alias("age"),
        is_new.alias("is_new"),
        F.coalesce("num_engaged", F.lit(0)).cast("bigint").alias("num_engaged"),
        F.coalesce("num_views", F.lit(0)).cast("bigint").alias("num_views"),
        F.coalesce("embedding", F.array().cast("array<float>")).alias("embedding"),
    )


def with_author_views(counted: DataFrame) -> DataFrame:
    """``counted`` without its author, with ``author_views``: how often that author's posts were shown together."""
    keys = [key.alias(f"_key_{at}") for at, key in enumerate(author_key())]
    keyed = counted.select("*", *keys)
    totals = keyed.groupBy("_key_0", "_key_1").agg(F.sum("num_views").alias("author_views"))
    same = F.col("one._key_0").eqNullSafe(F.col("all._key_0")) & F.col("one._key_1").eqNullSafe(F.col("all._key_1"))
    joined = keyed.alias("one").join(totals.alias("all"), same, "inner")
    return joined.select("one.*", "author_views").drop("author_id", "_key_0", "_key_1")


def source_code() -> Column:
    """A number that two candidates share exactly when one friend, page or group proposed both; ``NONE`` for no source.

    Reads source_type and source_id. A friend of whom no id is known is none, as nobody is (``authorship``).
    """
    code = F.xxhash64("source_type", "source_id").bitwiseAND(F.lit(2**63 - 1))
    has_source = F.col("source_type").isin("friend", "page", "group") & F.col("source_id").isNotNull()
    return F.when(has_source, code).otherwise(F.lit(NONE))


def _count(log: str) -> Column:
    return F.round(F.expm1(F.col(log).cast("double"))).cast("bigint")


def _topic() -> Column:
    """Number of the topic that most of the text is about; null where nothing tells."""
    most = F.array_max("read_topics")
    return F.when(most > 0, F.array_position("read_topics", most) - 1)


def _whole_numbers(*, needed: bool) -> Column:
    if not needed:
        return F.array().cast("array<float>")
    return F.transform("content_embedding", lambda number: F.rint(number * UNIT).cast("float"))
