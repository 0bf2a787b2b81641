"""Columns of candidates for re-ranking: type, topic, age, source, counts, and whether a post is little known."""

from datetime import datetime

from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as F

from contracts.epochs import CONTENT_TYPES
from contracts.settings import Exploration, RerankRules
from contracts.shape import EMBEDDING_SIZE
from spark_jobs.rerank.pools import Plan
from spark_jobs.rerank.rules.similarity import UNIT
from spark_jobs.rerank.slates import NONE
from spark_jobs.rules.authorship import author_key
from spark_jobs.rules.new_posts import is_new
from spark_jobs.rules.rates import count_of_log, num_engaged

AGES_H = (1, 6, 24)
"""Upper ends of the age groups, in hours; older posts belong to the last group."""


def post_facts(posts: DataFrame, post_features: DataFrame, rules: RerankRules) -> DataFrame:
    """content_type, topic, num_engaged, num_views, author_views and embedding of posts; grain: post_id.

    ``post_features`` is one night's partition. ``author_views`` is the total number of views of the author's posts in
    it. Codes are those of ``slates.Candidates``; embeddings are empty unless a rule compares them.
    """
    kinds = posts.select("post_id", "content_type")
    return post_features.join(kinds, "post_id", "left").select(
        "post_id",
        _content_type().alias("content_type"),
        _topic().alias("topic"),
        num_engaged().cast("bigint").alias("num_engaged"),
        _count("log_views").alias("num_views"),
        F.sum(_count("log_views")).over(Window.partitionBy(*author_key())).alias("author_views"),
        _embedding(rules).alias("embedding"),
    )


def with_facts(candidates: DataFrame, facts: DataFrame, as_of: datetime, plan: Plan) -> DataFrame:
    """``candidates`` with the columns of ``slates.Candidates``; a post without ``post_facts`` was never shown.

    Reads post_id, created_at, source_type and source_id.
    """
    blank = F.array_repeat(F.lit(0.0).cast("float"), _embedding_size(plan.rerank))
    age_h = (F.lit(as_of).cast("double") - F.col("created_at").cast("double")) / 3600.0
    counts = {name: F.coalesce(name, F.lit(0)).cast("bigint") for name in ("num_engaged", "num_views", "author_views")}
    return candidates.join(facts, "post_id", "left").withColumns(
        {
            **counts,
            "source": _source(),
            "content_type": F.coalesce("content_type", F.lit(0)).cast("bigint"),
            "topic": F.coalesce("topic", F.lit(NONE)).cast("bigint"),
            "age": sum(((age_h >= end).cast("bigint") for end in AGES_H), F.lit(0).cast("bigint")),
            "is_little_known": _is_little_known(counts["num_views"], counts["author_views"], as_of, plan.exploration),
            "embedding": F.coalesce("embedding", blank),
        }
    )


def _source() -> Column:
    """A number that is equal for two candidates exactly if they come from one friend, page or group; else ``NONE``.

    A friend without a known id is no source (``spark_jobs.rules.authorship``).
    """
    code = F.xxhash64("source_type", "source_id").bitwiseAND(F.lit(2**63 - 1))
    has_source = F.col("source_type").isin("friend", "page", "group") & F.col("source_id").isNotNull()
    return F.when(has_source, code).otherwise(F.lit(NONE))


def _is_little_known(num_views: Column, author_views: Column, as_of: datetime, rules: Exploration) -> Column:
    """Whether a post is new, or its author's posts together were shown fewer than ``few_author_views`` times."""
    return is_new(num_views, as_of, rules) | (author_views < rules.few_author_views)


def _count(log: str) -> Column:
    return count_of_log(log).cast("bigint")


def _content_type() -> Column:
    return F.array_position(F.array(*map(F.lit, CONTENT_TYPES)), F.col("content_type")) - 1


def _topic() -> Column:
    """Number of the largest topic of the text; null if there is none."""
    most = F.array_max("read_topics")
    return F.when(most > 0, F.array_position("read_topics", most) - 1)


def _embedding(rules: RerankRules) -> Column:
    units = F.transform("content_embedding", lambda number: F.rint(number * UNIT).cast("float"))
    return F.slice(units, 1, _embedding_size(rules))


def _embedding_size(rules: RerankRules) -> int:
    return EMBEDDING_SIZE if "similarity" in rules.order else 0
