"""The texts of posts, made ready in columns for the content models."""

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from contracts.features import TOPICS
from contracts.settings import Content
from spark_jobs.night import Night
from spark_jobs.post_columns import topics_of

NOT_LANGUAGE = r"https?://\S+|www\.\S+|[#@]\S+"
"""Addresses, hashtags and mentions: they are in no language, and hashtags count by themselves."""

WORD_OR_CLOSING = r"\p{L}[\p{L}\p{M}\p{N}]*(?:'t\b)?|[.!?;:]"


def written_posts(night: Night) -> DataFrame:
    """Posts whose latest version was written, and received, before the night's as-of."""
    written = (F.col("updated_at") < F.lit(night.as_of)) & (F.col("received_at") < F.lit(night.as_of))
    return night.read("silver.posts").where(written)


def texts_of(posts: DataFrame, content: Content) -> DataFrame:
    """Grain: post_id, with its latest text.

    ``plain``: the text without addresses, hashtags and mentions; ``tokens``: its words in lower case and the signs that
    close a clause; ``buckets``: the words' hashes; ``named``: topic shares by hashtag, all 0 where none names a topic;
    ``text_at``: when this text was written; ``text_hash``: of all that is read.
    """
    plain = F.regexp_replace(F.regexp_replace("text", NOT_LANGUAGE, " "), "\u2019", "'")
    tokens = F.slice(F.regexp_extract_all(F.lower("plain"), F.lit(WORD_OR_CLOSING), 0), 1, content.max_words)
    words = F.filter("tokens", lambda token: ~token.isin(*".!?;:"))
    buckets = F.transform(words, lambda word: F.pmod(F.xxhash64(word), F.lit(content.num_buckets)).cast("int"))
    topics = topics_of(F.col("hashtags"))
    shares = [F.array_contains(topics, topic).cast("float") for topic in TOPICS]
    num_named = F.greatest(F.size(topics), F.lit(1)).cast("float")
    return (
        posts.withColumn("plain", plain)
        .withColumn("tokens", tokens)
        .select(
            "post_id",
            F.col("updated_at").alias("text_at"),
            F.xxhash64("text", "hashtags").alias("text_hash"),
            "plain",
            "tokens",
            buckets.alias("buckets"),
            F.array(*((share / num_named).cast("float") for share in shares)).alias("named"),
        )
    )
