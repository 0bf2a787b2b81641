"""``gold.ranked_feeds``: every user's pool in its final order.

Grain: user_id, rank, ds. Visibility and policy are checked again; then each place takes the best candidate by value
score that keeps to the rules, and one place in ten a post drawn among new ones (``docs/reranking.md``). How often a
rule gave way is counted in ``rerank.json`` of the night.
"""

from datetime import datetime
from functools import partial

from pyspark.sql import Column, DataFrame, Observation
from pyspark.sql import functions as F

from contracts.features import TOPICS
from contracts.settings import RerankRules
from spark_jobs.lake import write_partition
from spark_jobs.night import Night
from spark_jobs.policy import Policy, allowed_pairs, read_policy
from spark_jobs.recent_posts import public_reason, recent_posts
from spark_jobs.rerank.facts import post_facts, with_facts
from spark_jobs.rerank.pools import Plan
from spark_jobs.rerank.worker import ASKED, KEPT, SCHEMA, fill_partition
from spark_jobs.session import num_shuffles
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


def fill(candidates: DataFrame, plan: Plan, num_partitions: int) -> DataFrame:
    """Pools, ``SCHEMA``, of ``candidates`` with the columns ``KEPT`` and ``ASKED``, whatever their order and number."""
    return (
        candidates.select(*KEPT, *ASKED)
        .repartition(num_partitions, "user_id")
        .sortWithinPartitions("user_id")
        .mapInArrow(partial(fill_partition, plan), SCHEMA)
    )


def transform(
    *,
    scored: DataFrame,
    candidates: DataFrame,
    posts: DataFrame,
    engagement: DataFrame,
    interests: DataFrame,
    edges: Edges,
    policy: Policy,
    facts: DataFrame,
    as_of: datetime,
    plan: Plan,
) -> DataFrame:
    """Pools without ``ds`` but with ``broken``, from one night's ``scored`` and ``candidates``.

    Visibility is by ``posts`` and ``edges``; ``engagement`` (post_id, engagement) is that of ``recent_posts``,
    ``facts`` are ``post_facts``.
    """
    visible = visible_pairs(scored.select("user_id", "post_id", "author_id", "value_score"), posts, edges)
    allowed = allowed_pairs(visible, policy)
    sources = candidates.select("user_id", "post_id", "source_type", "source_id", "created_at")
    cards = posts.select("post_id", "content_type", "privacy", "hashtags")
    sourced = allowed.join(sources, ["user_id", "post_id"], "inner")
    ranked = fill(with_facts(sourced, facts, as_of, plan), plan, num_shuffles(scored.sparkSession))
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
            "is_exploration",
            "propensity",
            "broken",
        )
    )


def observe(pools: DataFrame, rules: RerankRules) -> tuple[DataFrame, Observation]:
    """``pools`` without ``broken``, and what is counted of them once they are computed."""
    counts = Observation("rerank")
    broken = (
        F.count_if(F.col("broken").bitwiseAND(F.lit(1 << bit)) != 0).alias(name)
        for bit, name in enumerate(reversed(rules.order))
    )
    explored = F.count_if("is_exploration").alias("_explored")
    return pools.observe(counts, F.count("*").alias("_places"), explored, *broken).drop("broken"), counts


def tell(night: Night, counted: dict[str, int]) -> None:
    """Write how well the pools mix, and say it in the report."""
    broken = {name: counted[name] for name in night.settings.rerank.order}
    places, explored = counted["_places"], counted["_explored"]
    night.files.rerank.write({"ds": night.ds.isoformat(), "places": places, "broken": broken, "explored": explored})
    said = ", ".join(f"{name} {num:,} ({num / max(places, 1):.2%})" for name, num in broken.items())
    sentences = [f"of {places:,} places, those whose user had no candidate that keeps the rule: {said}."]
    if night.settings.exploration.every:
        sentences += [f"{explored:,} places ({explored / max(places, 1):.1%}) were drawn among new posts."]
    night.tell("gold.ranked_feeds", sentences)


def main(night: Night) -> None:
    """Write the night's partition of ``gold.ranked_feeds``."""
    is_tonight = F.col("ds") == F.lit(night.ds)
    settings = night.settings
    plan = Plan(settings.pool, settings.rerank, settings.exploration, settings.seed, night.ds.toordinal())
    posts, features = night.read("silver.posts"), night.read("gold.post_features").where(is_tonight)
    recent = recent_posts(posts, features, night.as_of, settings)
    pools = transform(
        scored=night.read("gold.scored_candidates").where(is_tonight),
        candidates=night.read("gold.feed_candidates").where(is_tonight),
        posts=posts,
        engagement=recent.select("post_id", "engagement"),
        interests=interests_of(night.read("gold.user_features").where(is_tonight), settings.pool.min_topic_interest),
        edges=read_edges(night),
        policy=read_policy(night),
        facts=post_facts(features, settings.rerank),
        as_of=night.as_of,
        plan=plan,
    )
    pools, counts = observe(pools, settings.rerank)
    write_partition(night.lake, "gold.ranked_feeds", pools.withColumn("ds", F.lit(night.ds)), [night.ds])
    tell(night, counts.get)
