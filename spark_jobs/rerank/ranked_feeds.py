"""``gold.ranked_feeds``: every user's pool in its final order.

Grain: user_id, rank, ds. Visibility and policy are checked again, then the best by value score are kept, at most
``max_per_author`` of one author and ``size`` in all.
"""

from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as F

from contracts.features import TOPICS
from contracts.settings import PoolRules
from spark_jobs.authorship import author_key
from spark_jobs.lake import write_partition
from spark_jobs.night import Night
from spark_jobs.policy import Policy, allowed_pairs, read_policy
from spark_jobs.recent_posts import public_reason, recent_posts
from spark_jobs.visibility import Edges, read_edges, visible_pairs


def interests_of(user_features: DataFrame, min_interest: float) -> DataFrame:
    """(user_id, interests): topics with at least ``min_interest`` of the user's engagement; one night's partition."""
    names = [F.when(F.col(f"interest_{topic}") >= F.lit(min_interest), F.lit(topic)) for topic in TOPICS]
    return user_features.select("user_id", F.array_compact(F.array(*names)).alias("interests"))


def reason() -> Column:
    """Why a post shows: who posted it, or for a suggestion, a topic the viewer engages with, else the public."""
    topics = F.transform("hashtags", lambda tag: F.lower(F.ltrim(tag, F.lit("#"))))
    is_of_interest = F.coalesce(F.arrays_overlap("interests", topics), F.lit(col=False))
    return (
        F.when(F.col("source_type") == "friend", F.lit("friend_posted"))
        .when(F.col("source_type") == "page", F.lit("page_posted"))
        .when(F.col("source_type") == "group", F.lit("group_posted"))
        .when(is_of_interest, F.lit("suggested_topic"))
        .otherwise(public_reason())
    )


def order_pools(scored: DataFrame, rules: PoolRules) -> DataFrame:
    """Rank 1..n per user by value score, then post id, skipping an author's posts after ``max_per_author``.

    Of nobody's posts, of which no author is known, none is skipped.
    """
    best_first = (F.col("value_score").desc(), F.col("post_id"))
    place_of_author = F.row_number().over(Window.partitionBy("user_id", *author_key()).orderBy(*best_first))
    rank = F.row_number().over(Window.partitionBy("user_id").orderBy(*best_first))
    spread = scored.withColumn("_place", place_of_author).where(F.col("_place") <= rules.max_per_author)
    return spread.withColumn("rank", rank).where(F.col("rank") <= rules.size).drop("_place")


def transform(
    *,
    scored: DataFrame,
    candidates: DataFrame,
    posts: DataFrame,
    engagement: DataFrame,
    interests: DataFrame,
    edges: Edges,
    policy: Policy,
    rules: PoolRules,
) -> DataFrame:
    """Pools without ``ds``, from one night's ``scored`` and ``candidates``; visibility by ``posts`` and ``edges``.

    ``engagement`` (post_id, engagement) is that of ``recent_posts``.
    """
    visible = visible_pairs(scored.select("user_id", "post_id", "author_id", "value_score"), posts, edges)
    allowed = allowed_pairs(visible, policy)
    sources = candidates.select("user_id", "post_id", "source_type", "source_id", "created_at")
    cards = posts.select("post_id", "content_type", "privacy", "hashtags")
    ranked = order_pools(allowed.join(sources, ["user_id", "post_id"], "inner"), rules)
    return (
        ranked.join(cards, "post_id", "inner")
        .join(engagement, "post_id", "left")
        .join(interests, "user_id", "left")
        .select(
            "user_id",
            "rank",
            "post_id",
            "author_id",
            "source_type",
            "source_id",
            "content_type",
            "privacy",
            "created_at",
            "value_score",
            reason().alias("reason"),
            F.lit(col=False).alias("is_exploration"),
            F.lit(1.0).alias("propensity"),
        )
    )


def main(night: Night) -> None:
    """Write the night's partition of ``gold.ranked_feeds``."""
    is_tonight = F.col("ds") == F.lit(night.ds)
    rules = night.settings.pool
    posts, features = night.read("silver.posts"), night.read("gold.post_features").where(is_tonight)
    recent = recent_posts(posts, features, night.as_of, night.settings)
    pools = transform(
        scored=night.read("gold.scored_candidates").where(is_tonight),
        candidates=night.read("gold.feed_candidates").where(is_tonight),
        posts=posts,
        engagement=recent.select("post_id", "engagement"),
        interests=interests_of(night.read("gold.user_features").where(is_tonight), rules.min_topic_interest),
        edges=read_edges(night),
        policy=read_policy(night),
        rules=rules,
    )
    write_partition(night.lake, "gold.ranked_feeds", pools.withColumn("ds", F.lit(night.ds)), [night.ds])
