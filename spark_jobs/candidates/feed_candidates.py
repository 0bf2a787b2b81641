"""``gold.feed_candidates``: the posts that may be ranked for each known user.

Grain: user_id, post_id, ds. Four sources propose (friends, followed pages, joined groups, and the posts that are
popular everywhere) what policy allows; proposals are merged keeping every source, then filtered and given the simple
score. What policy kept out is counted in ``policy.json`` of the night.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from pyspark.sql import Column, DataFrame, Observation, Window
from pyspark.sql import functions as F

from contracts.policy import FACT_CHECKED, HIDES, RULES
from contracts.settings import CandidateLimits, Settings
from contracts.visibility import is_open
from spark_jobs.authorship import is_by_another
from spark_jobs.lake import write_partition
from spark_jobs.night import Night
from spark_jobs.point_in_time import known_before
from spark_jobs.policy import BROKEN, FLAGS, Policy, breaks, breaks_any, broken, read_policy, with_flags
from spark_jobs.recent_posts import recent_posts
from spark_jobs.simple_score import simple_score
from spark_jobs.visibility import POST_COLUMNS, Edges, active, read_edges, visible_pairs

PROPOSED = ("post_id", "created_at", "engagement", *FLAGS.values())
SOURCE_ORDER = ("friend", "page", "group", "suggested")
"""The first of these that proposed a post is the candidate's ``source_type``."""


@dataclass(frozen=True)
class Graph:
    """Edges at the as-of: ``edges`` decide visibility, ``follows`` is (user_id, page_id)."""

    edges: Edges
    follows: DataFrame


def propose(users: DataFrame, posts: DataFrame, graph: Graph, limits: CandidateLimits) -> DataFrame:
    """Every source's proposals: (user_id, post_id, source, ``BROKEN``), each at most once per source.

    A source's limit counts what policy allows, so that no user runs short for what is kept from them. A proposal that
    breaks a rule is returned where the limit would have reached it, to be counted and dropped.
    """

    def of(source_type: str, key: str) -> DataFrame:
        proposer = F.col("author_id" if source_type == "friend" else "source_id").alias(key)
        return posts.where(F.col("source_type") == source_type).select(proposer, *PROPOSED)

    newest = (F.col("created_at").desc(), F.col("post_id"))
    most_engaged = (F.col("engagement").desc(), *newest)
    friend = graph.edges.friends.join(of("friend", "friend_id"), "friend_id", "inner")
    page = graph.follows.join(of("page", "page_id"), "page_id", "inner")
    group = graph.edges.members.join(of("group", "group_id"), "group_id", "inner")
    proposals = (
        _reached(friend.join(users, "user_id", "inner"), ["user_id"], newest, limits.friend, "friend"),
        _reached(page.join(users, "user_id", "inner"), ["user_id"], most_engaged, limits.page, "page"),
        _reached(group.join(users, "user_id", "inner"), ["user_id"], most_engaged, limits.group, "group"),
    )
    # Who asks for the same is suggested the same.
    everyones = posts.where(is_open(F.col("privacy"), F.col("source_type"))).select(*PROPOSED)
    offered = everyones.crossJoin(F.broadcast(users.select(*HIDES).distinct()))
    suggested = _reached(offered, list(HIDES), most_engaged, limits.suggested, "suggested")
    merged = proposals[0].unionByName(proposals[1]).unionByName(proposals[2])
    return merged.unionByName(users.join(F.broadcast(suggested), list(HIDES), "inner").drop(*HIDES))


def _reached(offers: DataFrame, keys: list[str], order: tuple[Column, ...], limit: int, source: str) -> DataFrame:
    """The first offers of each of ``keys`` until ``limit`` of them break no rule: ``keys``, post_id, source, BROKEN."""
    before = Window.partitionBy(*keys).orderBy(*order).rowsBetween(Window.unboundedPreceding, -1)
    judged = offers.withColumn(BROKEN, broken())
    num_allowed = F.coalesce(F.count_if(~breaks_any()).over(before), F.lit(0))
    reached = judged.withColumn("_num_allowed", num_allowed).where(F.col("_num_allowed") < limit)
    return reached.select(*keys, "post_id", F.lit(source).alias("source"), BROKEN)


def count_removed(proposals: DataFrame) -> tuple[DataFrame, Observation]:
    """The proposals that break no rule, and what is counted of all of them once they are computed."""
    counts = Observation("policy")
    removed = (F.count_if(breaks(rule)).alias(rule) for rule in RULES)
    counted = proposals.observe(counts, F.count("*").alias("proposals"), *removed)
    return counted.where(~breaks_any()).drop(BROKEN), counts


def _top(frame: DataFrame, order: tuple[Column, ...], limit: int) -> DataFrame:
    place = F.row_number().over(Window.partitionBy("user_id").orderBy(*order))
    return frame.withColumn("_place", place).where(F.col("_place") <= limit)


def merge_sources(proposals: DataFrame) -> DataFrame:
    """One row per (user_id, post_id) with its ``sources`` in ``SOURCE_ORDER`` and ``source_type``, the first."""
    # A bit per source is combined before the shuffle; a collected set would not be.
    bits = F.coalesce(*(F.when(F.col("source") == name, F.lit(1 << i)) for i, name in enumerate(SOURCE_ORDER)))
    merged = proposals.groupBy("user_id", "post_id").agg(F.bit_or(bits).alias("_bits"))
    names = [F.when(F.col("_bits").bitwiseAND(1 << i) != 0, F.lit(name)) for i, name in enumerate(SOURCE_ORDER)]
    return merged.select(
        "user_id", "post_id", F.array_compact(F.array(*names)).alias("sources"), F.coalesce(*names).alias("source_type")
    )


def suppressed_pairs(impressions: DataFrame, engagements: DataFrame, as_of: datetime, settings: Settings) -> DataFrame:
    """(user_id, post_id) seen in the last ``seen_days``, or hidden or reported while the post can be a candidate.

    Seen is what was shown. A source that logs no impressions tells it by what people did: whoever did anything with a
    post, a view included, has seen it.
    """
    seen_since = as_of - timedelta(days=settings.candidates.seen_days)
    # A day more than the window: a client's clock may be slow.
    hidden_since = (as_of - timedelta(hours=settings.dataset.candidate_hours + 24)).date()
    log, at = (impressions, "shown_at") if settings.dataset.has_impressions else (engagements, "engaged_at")
    in_window = (F.col(at) >= F.lit(seen_since)) & known_before(as_of, at) & F.col("user_id").isNotNull()
    is_recent = (F.col("event_date") >= F.lit(seen_since.date())) & (F.col("event_date") <= F.lit(as_of.date()))
    seen = log.where(is_recent & in_window)
    rejects = F.col("engagement_type").isin("hide", "report") & F.col("user_id").isNotNull()
    happened = (F.col("event_date") >= F.lit(hidden_since)) & known_before(as_of, "engaged_at")
    hidden = engagements.where(rejects & happened)
    return seen.select("user_id", "post_id").unionByName(hidden.select("user_id", "post_id")).distinct()


def transform(
    *,
    proposals: DataFrame,
    posts: DataFrame,
    edges: Edges,
    suppressed: DataFrame,
    affinity: DataFrame,
    as_of: datetime,
    settings: Settings,
) -> DataFrame:
    """Candidates without ``ds``: allowed ``proposals`` merged, filtered, scored, at most ``total`` per user.

    ``posts`` comes from ``recent_posts``; ``affinity`` is one night's partition.
    """
    merged = merge_sources(proposals)
    allowed = visible_pairs(merged.join(suppressed, ["user_id", "post_id"], "left_anti"), posts, edges)
    facts = posts.select("post_id", "author_id", "source_id", "created_at", "engagement")
    ties = affinity.select("user_id", "author_id", "is_friend", "is_follower", "log_interactions")
    age_h = (F.lit(as_of).cast("double") - F.col("created_at").cast("double")) / 3600.0
    scored = (
        allowed.join(facts, "post_id", "inner")
        .where(is_by_another("user_id"))
        .join(ties, ["user_id", "author_id"], "left")
        .withColumn("simple_score", simple_score(age_h, F.col("engagement"), settings))
    )
    best = _top(scored, (F.col("simple_score").desc(), F.col("post_id")), settings.candidates.total)
    return best.select(
        "user_id", "post_id", "author_id", "source_type", "source_id", "sources", "created_at", "simple_score"
    )


def tell_removed(night: Night, policy: Policy, counted: dict[str, int]) -> None:
    """Write what policy kept out of the candidates, and say it in the report."""
    flagged = policy.flagged.agg(*(F.count_if(F.col(name)).alias(rule) for rule, name in FLAGS.items())).first()
    asked = policy.asks.agg(F.count("*").alias(FACT_CHECKED), *(F.count_if(word).alias(word) for word in HIDES)).first()
    assert flagged is not None
    assert asked is not None
    removed = {rule: counted[rule] for rule in RULES}
    night.files.policy.write(
        {
            "ds": night.ds.isoformat(),
            "proposals": counted["proposals"],
            "removed": removed,
            "flagged": flagged.asDict(),
            "asked": asked.asDict(),
        }
    )
    said = "; ".join(
        f"{rule} {num:,} ({asked[rule]:,} users, {flagged[rule]:,} posts flagged)" for rule, num in removed.items()
    )
    night.tell("gold.feed_candidates", [f"of {counted['proposals']:,} proposals, policy removed: {said}."])


def main(night: Night) -> None:
    """Write the night's partition of ``gold.feed_candidates``."""
    as_of, settings = night.as_of, night.settings
    is_tonight = F.col("ds") == F.lit(night.ds)
    follows = active(night.read("silver.page_follows"), as_of).select("user_id", "page_id").distinct()
    features = night.read("gold.post_features").where(is_tonight)
    recent = recent_posts(night.read("silver.posts"), features, as_of, settings)
    read = read_policy(night)
    policy = Policy(read.flagged.persist(), read.asks.persist())
    posts = with_flags(recent.select(*POST_COLUMNS, "created_at", "engagement"), policy.flagged).persist()
    try:
        graph = Graph(read_edges(night), follows)
        proposals, counts = count_removed(propose(policy.asks, posts, graph, settings.candidates))
        candidates = transform(
            proposals=proposals,
            posts=posts,
            edges=graph.edges,
            suppressed=suppressed_pairs(
                night.read("silver.impressions"), night.read("silver.engagements"), as_of, settings
            ),
            affinity=night.read("gold.affinity_features").where(is_tonight),
            as_of=as_of,
            settings=settings,
        )
        write_partition(night.lake, "gold.feed_candidates", candidates.withColumn("ds", F.lit(night.ds)), [night.ds])
        tell_removed(night, policy, counts.get)
    finally:
        for frame in (posts, policy.flagged, policy.asks):
            frame.unpersist()
