"""``gold.feed_candidates``: the posts that may be ranked for each known user.

Grain: user_id, post_id, ds. Four sources propose (friends, followed pages, joined groups, and the posts that are
popular everywhere), proposals are merged keeping every source, then filtered and given the simple score.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as F

from contracts.settings import CandidateLimits, Settings
from contracts.visibility import is_open
from spark_jobs.authorship import is_by_another
from spark_jobs.lake import write_partition
from spark_jobs.night import Night
from spark_jobs.point_in_time import known_before
from spark_jobs.recent_posts import recent_posts
from spark_jobs.simple_score import simple_score
from spark_jobs.visibility import POST_COLUMNS, Edges, active, read_edges, visible_pairs

SOURCE_ORDER = ("friend", "page", "group", "suggested")
"""The first of these that proposed a post is the candidate's ``source_type``."""


@dataclass(frozen=True)
class Graph:
    """Edges at the as-of: ``edges`` decide visibility, ``follows`` is (user_id, page_id)."""

    edges: Edges
    follows: DataFrame


def known_users(users: DataFrame, as_of: datetime) -> DataFrame:
    """``user_id`` of everyone who had signed up and whose record had arrived before ``as_of``."""
    return users.where(known_before(as_of, "valid_from")).select("user_id").distinct()


def propose(users: DataFrame, posts: DataFrame, graph: Graph, limits: CandidateLimits) -> DataFrame:
    """Every source's proposals: (user_id, post_id, source), each at most once per source."""

    def of(source_type: str, key: str) -> DataFrame:
        proposer = F.col("author_id" if source_type == "friend" else "source_id").alias(key)
        return posts.where(F.col("source_type") == source_type).select(proposer, "post_id", "created_at", "engagement")

    newest = (F.col("created_at").desc(), F.col("post_id"))
    most_engaged = (F.col("engagement").desc(), *newest)
    friend = graph.edges.friends.join(of("friend", "friend_id"), "friend_id", "inner")
    page = graph.follows.join(of("page", "page_id"), "page_id", "inner")
    group = graph.edges.members.join(of("group", "group_id"), "group_id", "inner")
    everyones = posts.where(is_open(F.col("privacy"), F.col("source_type")))
    suggested = everyones.orderBy(*most_engaged).limit(limits.suggested).select("post_id")
    proposals = (
        _top(friend, newest, limits.friend).select("user_id", "post_id", F.lit("friend").alias("source")),
        _top(page, most_engaged, limits.page).select("user_id", "post_id", F.lit("page").alias("source")),
        _top(group, most_engaged, limits.group).select("user_id", "post_id", F.lit("group").alias("source")),
    )
    merged = proposals[0].unionByName(proposals[1]).unionByName(proposals[2]).join(users, "user_id", "left_semi")
    everyone = users.crossJoin(F.broadcast(suggested)).select("user_id", "post_id", F.lit("suggested").alias("source"))
    return merged.unionByName(everyone)


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
    users: DataFrame,
    posts: DataFrame,
    graph: Graph,
    suppressed: DataFrame,
    affinity: DataFrame,
    as_of: datetime,
    settings: Settings,
) -> DataFrame:
    """Candidates without ``ds``: proposals over ``posts``, merged, filtered, scored, at most ``total`` per user.

    ``users`` is (user_id); ``posts`` comes from ``recent_posts``; ``affinity`` is one night's partition.
    """
    merged = merge_sources(propose(users, posts, graph, settings.candidates))
    allowed = visible_pairs(merged.join(suppressed, ["user_id", "post_id"], "left_anti"), posts, graph.edges)
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


def main(night: Night) -> None:
    """Write the night's partition of ``gold.feed_candidates``."""
    as_of, settings = night.as_of, night.settings
    is_tonight = F.col("ds") == F.lit(night.ds)
    follows = active(night.read("silver.page_follows"), as_of).select("user_id", "page_id").distinct()
    features = night.read("gold.post_features").where(is_tonight)
    recent = recent_posts(night.read("silver.posts"), features, as_of, settings)
    posts = recent.select(*POST_COLUMNS, "created_at", "engagement").persist()
    try:
        candidates = transform(
            users=known_users(night.read("silver.users"), as_of),
            posts=posts,
            graph=Graph(read_edges(night), follows),
            suppressed=suppressed_pairs(
                night.read("silver.impressions"), night.read("silver.engagements"), as_of, settings
            ),
            affinity=night.read("gold.affinity_features").where(is_tonight),
            as_of=as_of,
            settings=settings,
        )
        write_partition(night.lake, "gold.feed_candidates", candidates.withColumn("ds", F.lit(night.ds)), [night.ds])
    finally:
        posts.unpersist()
