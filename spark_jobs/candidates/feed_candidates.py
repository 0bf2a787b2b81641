"""``gold.feed_candidates``: the posts that may be ranked for each known user.

Grain: user_id, post_id, ds. Each source proposes posts. Posts that policy withholds or the user has seen are removed
before a source's limit applies. Proposals are merged with all their sources, filtered by visibility and given the
simple score. ``policy.json`` of the night counts what policy removed.
"""

from collections.abc import Callable
from datetime import datetime

from pyspark.sql import Column, DataFrame, Observation, Window
from pyspark.sql import functions as F

from contracts.candidate_sources import CANDIDATE_SOURCES, CandidateSource
from contracts.policy import FACT_CHECKED, HIDES, RULES
from contracts.settings import Settings
from spark_jobs.candidates import new_user_engagement
from spark_jobs.candidates.offers import Offers, read_offers
from spark_jobs.candidates.sources import PROPOSERS, limits_by_source
from spark_jobs.night.night import Night
from spark_jobs.night.writers import write_partition
from spark_jobs.rules.authorship import is_by_another
from spark_jobs.rules.policy import BROKEN, FLAGS, Policy, breaks, breaks_any, broken, read_policy, with_flags
from spark_jobs.rules.recent_posts import recent_posts
from spark_jobs.rules.seen import suppressed_pairs
from spark_jobs.rules.simple_score import simple_score
from spark_jobs.rules.visibility import POST_COLUMNS, Edges, read_edges, visible_pairs

READ_OF_FEATURES = (
    "engagement_rate",
    "log_views",
    "log_likes",
    "log_comments",
    "log_shares",
    "read_topics",
    "content_embedding",
)
"""Features of posts that sources read."""


def propose(offers: Offers, policy: Policy) -> DataFrame:
    """Every source's proposals: (user_id, post_id, source, ``BROKEN``), each at most once per source.

    A source's limit counts only unseen posts that policy allows, so that users with hidden posts get as many as others.
    A proposal within the limit that breaks a rule is returned too, to be counted and dropped. Nobody gets their own
    posts.
    """
    limits = limits_by_source(offers.settings.candidates)
    of_sources = [PROPOSERS[name](offers).withColumn("source", F.lit(name)) for name, most in limits.items() if most]
    proposals = of_sources[0]
    for more in of_sources[1:]:
        proposals = proposals.unionByName(more)
    written = offers.posts.select("post_id", "author_id", "created_at")
    unseen = proposals.join(offers.seen, ["user_id", "post_id"], "left_anti")
    others = unseen.join(written, "post_id", "inner").where(is_by_another("user_id"))
    flagged = with_flags(others.join(policy.asks, "user_id", "inner"), policy.flagged)
    judged = flagged.select("user_id", "post_id", "source", "priority", "created_at", broken())
    return _reached(judged, limits)


def _reached(judged: DataFrame, limits: dict[str, int]) -> DataFrame:
    """The best of each user and source, up to its limit of allowed ones: user_id, post_id, source, BROKEN."""
    best = (F.col("priority").desc(), F.col("created_at").desc(), F.col("post_id"))
    before = Window.partitionBy("user_id", "source").orderBy(*best).rowsBetween(Window.unboundedPreceding, -1)
    limit = F.coalesce(*(F.when(F.col("source") == name, F.lit(most)) for name, most in limits.items()))
    num_allowed = F.coalesce(F.count_if(~breaks_any()).over(before), F.lit(0))
    reached = judged.withColumn("_num_allowed", num_allowed).where(F.col("_num_allowed") < limit)
    return reached.select("user_id", "post_id", "source", BROKEN)


def count_removed(proposals: DataFrame) -> tuple[DataFrame, Observation]:
    """The proposals that break no rule, and an observation that counts all proposals when they are computed."""
    counts = Observation("policy")
    removed = (F.count_if(breaks(rule)).alias(rule) for rule in RULES)
    counted = proposals.observe(counts, F.count("*").alias("proposals"), *removed)
    return counted.where(~breaks_any()).drop(BROKEN), counts


def _top(frame: DataFrame, order: tuple[Column, ...], limit: int) -> DataFrame:
    place = F.row_number().over(Window.partitionBy("user_id").orderBy(*order))
    return frame.withColumn("_place", place).where(F.col("_place") <= limit)


def merge_sources(proposals: DataFrame) -> DataFrame:
    """One row per (user_id, post_id): its ``sources``, in their order, and the first one's ``source_type``."""
    # Bits per source are combined before the shuffle; a collected set is not.
    known = list(enumerate(CANDIDATE_SOURCES))
    bits = F.coalesce(*(F.when(F.col("source") == one.name, F.lit(1 << at)) for at, one in known))
    merged = proposals.groupBy("user_id", "post_id").agg(F.bit_or(bits).alias("_bits"))

    def where_proposed(word: Callable[[CandidateSource], str]) -> list[Column]:
        return [F.when(F.col("_bits").bitwiseAND(1 << at) != 0, F.lit(word(one))) for at, one in known]

    names, types = where_proposed(lambda one: one.name), where_proposed(lambda one: one.source_type)
    return merged.select(
        "user_id", "post_id", F.array_compact(F.array(*names)).alias("sources"), F.coalesce(*types).alias("source_type")
    )


def transform(
    *,
    proposals: DataFrame,
    posts: DataFrame,
    edges: Edges,
    affinity: DataFrame,
    as_of: datetime,
    settings: Settings,
) -> DataFrame:
    """Candidates without ``ds``: allowed ``proposals`` merged, filtered, scored, at most ``total`` per user.

    ``posts`` comes from ``recent_posts``; ``affinity`` is one night's partition.
    """
    merged = merge_sources(proposals)
    allowed = visible_pairs(merged, posts, edges)
    facts = posts.select("post_id", "author_id", "source_id", "created_at", "engagement")
    ties = affinity.select("user_id", "author_id", "is_friend", "is_follower", "log_interactions")
    age_h = (F.lit(as_of).cast("double") - F.col("created_at").cast("double")) / 3600.0
    scored = (
        allowed.join(facts, "post_id", "inner")
        .join(ties, ["user_id", "author_id"], "left")
        .withColumn("simple_score", simple_score(age_h, F.col("engagement"), settings))
    )
    best = _top(scored, (F.col("simple_score").desc(), F.col("post_id")), settings.candidates.total)
    return best.select(
        "user_id", "post_id", "author_id", "source_type", "source_id", "sources", "created_at", "simple_score"
    )


def write_removed(night: Night, policy: Policy, counted: dict[str, int]) -> str:
    """Write what policy removed from the candidates; returns a sentence about it."""
    flagged = policy.flagged.agg(*(F.count_if(F.col(name)).alias(rule) for rule, name in FLAGS.items())).first()
    num_users = policy.asks.agg(
        F.count("*").alias(FACT_CHECKED), *(F.count_if(word).alias(word) for word in HIDES)
    ).first()
    assert flagged is not None
    assert num_users is not None
    removed = {rule: counted[rule] for rule in RULES}
    night.files.policy.write(
        {
            "ds": night.ds.isoformat(),
            "proposals": counted["proposals"],
            "removed": removed,
            "flagged": flagged.asDict(),
            "asked": num_users.asDict(),
        }
    )
    counts = "; ".join(
        f"{rule} {num:,} ({num_users[rule]:,} users, {flagged[rule]:,} posts flagged)" for rule, num in removed.items()
    )
    return f"of {counted['proposals']:,} proposals, policy removed: {counts}."


def main(night: Night) -> None:
    """Write the night's partition of ``gold.feed_candidates``."""
    as_of, settings = night.as_of, night.settings
    is_tonight = F.col("ds") == F.lit(night.ds)
    features = night.read("gold.post_features").where(is_tonight)
    recent = recent_posts(night.read("silver.posts"), features, as_of, settings)
    read = read_policy(night)
    policy = Policy(read.flagged.persist(), read.asks.persist())
    read_of_posts = features.select("post_id", *READ_OF_FEATURES)
    posts = recent.select(*POST_COLUMNS, "created_at", "engagement").join(read_of_posts, "post_id", "inner").persist()
    seen = suppressed_pairs(night.read("silver.impressions"), night.read("silver.engagements"), as_of, settings)
    offers = read_offers(night, policy.asks, posts, read_edges(night), seen.persist())
    try:
        proposals, counts = count_removed(propose(offers, policy))
        candidates = transform(
            proposals=proposals,
            posts=posts,
            edges=offers.edges,
            affinity=night.read("gold.affinity_features").where(is_tonight),
            as_of=as_of,
            settings=settings,
        )
        write_partition(night.lake, "gold.feed_candidates", candidates.withColumn("ds", F.lit(night.ds)), [night.ds])
        night.add_notes(
            "gold.feed_candidates", [write_removed(night, policy, counts.get), *new_user_engagement.notes(night)]
        )
    finally:
        for frame in (posts, seen, policy.flagged, policy.asks):
            frame.unpersist()
