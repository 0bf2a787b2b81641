"""Texts of posts, prepared for the content models, and columns on how they are written."""

from collections.abc import Sequence

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from contracts.features import TOPICS
from contracts.settings import Content
from contracts.shape import NUM_BUCKETS
from spark_jobs.night.night import Night
from spark_jobs.rules.point_in_time import known_before
from spark_jobs.rules.post_columns import topics_of
from spark_jobs.rules.post_versions import all_versions, with_deletions
from spark_jobs.rules.rates import log_count, share_of

LINK = r"https?://\S+|www\.\S+"
NOT_LANGUAGE = rf"{LINK}|[#@]\S+"
"""Addresses, hashtags and mentions: they have no language, and hashtags are counted separately."""

CLOSING = ".!?;:"
"""Punctuation that closes a clause."""

WORD_OR_CLOSING = r"\p{L}[\p{L}\p{M}\p{N}]*(?:'t\b)?|[.!?;:]"


def written_posts(night: Night) -> DataFrame:
    """Versions of posts that were written and received before the night's as-of, and whether the post is deleted."""
    written = known_before(night.as_of, "updated_at")
    posts = night.read("silver.posts")
    return with_deletions(all_versions(posts, night.read("silver.post_edits")).where(written), posts)


def texts_of(posts: DataFrame, content: Content, others: Sequence[str] = ()) -> DataFrame:
    """Grain: that of ``posts``, which are posts or versions of them.

    ``plain``: the text without addresses, hashtags and mentions; ``tokens``: its words in lower case and the
    punctuation that closes a clause; ``buckets``: the words' hashes; ``named``: topic shares by hashtag, all 0 if none
    names a topic; ``text_at``: when this text was written; ``text_hash``: a hash of ``text_at`` and all that is read,
    because an earlier text may come back; and ``writing_columns``. ``others`` are columns of ``posts`` that are kept.
    """
    plain = F.regexp_replace(F.regexp_replace("text", NOT_LANGUAGE, " "), "\u2019", "'")
    tokens = F.slice(F.regexp_extract_all(F.lower("plain"), F.lit(WORD_OR_CLOSING), 0), 1, content.max_words)
    words = F.filter("tokens", lambda token: ~token.isin(*CLOSING))
    buckets = F.transform("words", lambda word: F.pmod(F.xxhash64(word), F.lit(NUM_BUCKETS)).cast("int"))
    topics = topics_of(F.col("hashtags"))
    shares = [F.array_contains(topics, topic).cast("float") for topic in TOPICS]
    num_named = F.greatest(F.size(topics), F.lit(1)).cast("float")
    return (
        posts.withColumn("plain", plain)
        .withColumn("tokens", tokens)
        .withColumn("words", words)
        .select(
            "post_id",
            F.col("updated_at").alias("text_at"),
            F.xxhash64("text", "hashtags", "updated_at").alias("text_hash"),
            "plain",
            "tokens",
            buckets.alias("buckets"),
            F.array(*((share / num_named).cast("float") for share in shares)).alias("named"),
            *(column.cast("float").alias(name) for name, column in writing_columns().items()),
            *others,
        )
    )


def in_set_batches(texts: DataFrame) -> DataFrame:
    """The rows of ``texts_of`` spread over all cores, in batches that depend on the rows only.

    A sentence encoder takes milliseconds per text, so all cores should work. The last bits of a vector depend on the
    batch of its text, so a rerun must have the same batches.
    """
    cores = texts.sparkSession.sparkContext.defaultParallelism
    return texts.repartition(cores, "post_id").sortWithinPartitions("post_id", "text_at")


def writing_columns() -> dict[str, Column]:
    """How a text is written, from ``text``, ``plain``, ``tokens``, ``words``; 0 for an empty text."""
    num_words = F.size("words")
    characters = F.aggregate("words", F.lit(0), lambda total, word: total + F.char_length(word))
    letters, shown = (F.regexp_count("plain", F.lit(kind)) for kind in (r"\p{L}", r"\S"))
    return {
        "log_words": log_count(num_words),
        "word_length": F.log1p(share_of(characters, num_words)),
        "clause_words": F.log1p(share_of(num_words, F.size("tokens") - num_words)),
        "distinct_word_share": share_of(F.size(F.array_distinct("words")), num_words),
        "capital_share": share_of(F.regexp_count("plain", F.lit(r"\p{Lu}")), letters),
        "digit_share": share_of(F.regexp_count("plain", F.lit(r"\p{Nd}")), shown),
        "symbol_share": share_of(F.regexp_count("plain", F.lit(r"[^\s\p{L}\p{M}\p{N}]")), shown),
        **{
            f"log_{name}": log_count(F.regexp_count("text", F.lit(sign)))
            for name, sign in {"exclamations": "!", "questions": r"\?", "links": LINK}.items()
        },
    }
