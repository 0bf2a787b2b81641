"""``gold.ranked_feeds``: every user's pool in its final order.

Grain: user_id, rank, ds. Visibility and policy are checked again. Then each place gets the best candidate by value
score that keeps the rules, and one place in ten gets a post drawn among new ones (``docs/reranking.md``).
``rerank.json`` of the night counts how often a rule gave way.
"""

from functools import partial

from pyspark.sql import Column, DataFrame, Observation
from pyspark.sql import functions as F

from contracts.features import TOPICS
from contracts.settings import RerankRules
from spark_jobs.night.night import Night
from spark_jobs.night.session import num_shuffles
from spark_jobs.night.writers import write_partition
from spark_jobs.rerank.facts import post_facts, with_facts
from spark_jobs.rerank.pools import Plan
from spark_jobs.rerank.worker import ASKED, KEPT, SCHEMA, fill_partition
from spark_jobs.rules.known_taste import users_with_taste
from spark_jobs.rules.policy import allowed_pairs, read_policy, users_who_ask
from spark_jobs.rules.recent_posts import public_reason, recent_posts
from spark_jobs.rules.visibility import read_edges, visible_pairs


def interests_of(user_features: DataFrame, min_interest: float) -> DataFrame:
    """(user_id, interests): topics with at least ``min_interest`` of the user's engagement; one night's partition."""
    names = [F.when(F.col(f"interest_{topic}") >= F.lit(min_interest), F.lit(topic)) for topic in TOPICS]
    return user_features.select("user_id", F.array_compact(F.array(*names)).alias("interests"))


def reason() -> Column:
    """The reason for showing a post: its source; for a suggestion, a topic of the viewer, else the public."""
    topics = F.transform("hashtags", lambda tag: F.lower(F.ltrim(tag, F.lit("#"))))
    is_of_interest = F.coalesce(F.arrays_overlap("interests", topics), F.lit(col=False))
    return (
        F.when(F.col("source_type") == "friend", F.lit("friend_posted"))
        .when(F.col("source_type") == "page", F.lit("page_posted"))
        .when(F.col("source_type") == "group", F.lit("group_posted"))
        .when(is_of_interest, F.lit("suggested_topic"))
        .otherwise(public_reason())
    )


def rankable(night: Night, plan: Plan) -> DataFrame:
    """The night's candidates that may be seen, with the columns ``KEPT`` and ``ASKED``; grain: user_id, post_id."""
    is_tonight = F.col("ds") == F.lit(night.ds)
    scored, candidates, features = (
        night.read(f"gold.{name}").where(is_tonight)
        for name in ("scored_candidates", "feed_candidates", "post_features")
    )
    pairs = scored.select("user_id", "post_id", "author_id", "value_score")
    posts = night.read("silver.posts")
    allowed = allowed_pairs(visible_pairs(pairs, posts, read_edges(night)), read_policy(night))
    sources = candidates.select("user_id", "post_id", "source_type", "source_id", "created_at")
    sourced = allowed.join(sources, ["user_id", "post_id"], "inner")
    return with_facts(with_users(night, sourced), post_facts(posts, features, plan.rerank), night.as_of, plan).select(
        *KEPT, *ASKED
    )


def with_users(night: Night, candidates: DataFrame) -> DataFrame:
    """``candidates`` with ``is_new_user``, ``friends_first`` of their user, and ``is_friend``."""
    known = users_with_taste(night).withColumn("_is_known", F.lit(col=True))
    asks = users_who_ask(night.read("silver.users"), night.as_of, "friends_first").withColumn("_asks", F.lit(col=True))
    joined = candidates.join(known, "user_id", "left").join(asks, "user_id", "left")
    return joined.withColumns(
        {
            "is_new_user": F.col("_is_known").isNull(),
            "friends_first": F.col("_asks").isNotNull(),
            "is_friend": F.col("source_type") == "friend",
        }
    )


def fill(candidates: DataFrame, plan: Plan, num_partitions: int) -> DataFrame:
    """Pools (``SCHEMA``) of ``candidates`` from ``rankable``, independent of their order and partitions."""
    placed = candidates.repartition(num_partitions, "user_id").sortWithinPartitions("user_id")
    return placed.mapInArrow(partial(fill_partition, plan), SCHEMA)


def explained(pools: DataFrame, posts: DataFrame, engagement: DataFrame, interests: DataFrame) -> DataFrame:
    """``pools`` with the columns of the table without ``ds``, such as the reason of each post, and ``broken``.

    ``engagement`` (post_id, engagement) is that of ``recent_posts``, ``interests`` that of ``interests_of``.
    """
    cards = posts.select("post_id", "content_type", "privacy", "hashtags")
    return (
        pools.join(cards, "post_id", "inner")
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
    """``pools`` without ``broken``, and an observation that counts them when they are computed."""
    counts = Observation("rerank")
    broken = (
        F.count_if(F.col("broken").bitwiseAND(F.lit(1 << bit)) != 0).alias(name)
        for bit, name in enumerate(reversed(rules.order))
    )
    explored = F.count_if("is_exploration").alias("_explored")
    return pools.observe(counts, F.count("*").alias("_places"), explored, *broken).drop("broken"), counts


def report_mix(night: Night, counted: dict[str, int]) -> None:
    """Write the number of places that break each rule to ``rerank.json``, and report it."""
    broken = {name: counted[name] for name in night.settings.rerank.order}
    places, explored = counted["_places"], counted["_explored"]
    night.files.rerank.write({"ds": night.ds.isoformat(), "places": places, "broken": broken, "explored": explored})
    shares = ", ".join(f"{name} {num:,} ({num / max(places, 1):.2%})" for name, num in broken.items())
    sentences = [f"of {places:,} places, those whose user had no candidate that keeps the rule: {shares}."]
    if night.settings.exploration.every:
        sentences += [f"{explored:,} places ({explored / max(places, 1):.1%}) were drawn among little-known posts."]
    night.add_notes("gold.ranked_feeds", sentences)


def plan_of(night: Night) -> Plan:
    """The parameters for filling the night's pools."""
    settings = night.settings
    return Plan(settings.pool, settings.rerank, settings.exploration, settings.seed, night.ds.toordinal())


def main(night: Night) -> None:
    """Write the night's partition of ``gold.ranked_feeds``."""
    is_tonight, settings, plan = F.col("ds") == F.lit(night.ds), night.settings, plan_of(night)
    posts = night.read("silver.posts")
    recent = recent_posts(posts, night.read("gold.post_features").where(is_tonight), night.as_of, settings)
    users = night.read("gold.user_features").where(is_tonight)
    pools = explained(
        fill(rankable(night, plan), plan, num_shuffles(night.spark)),
        posts,
        recent.select("post_id", "engagement"),
        interests_of(users, settings.pool.min_topic_interest),
    )
    pools, counts = observe(pools, settings.rerank)
    write_partition(night.lake, "gold.ranked_feeds", pools.withColumn("ds", F.lit(night.ds)), [night.ds])
    report_mix(night, counts.get)
