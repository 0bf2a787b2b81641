"""Stories of a post for a user, of a user's pool, and of a post, read from a night's tables with its own rules.

Nothing is stored for them: candidates keep their sources and simple score, scores their heads, pools rank and reason.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from pyspark.sql import Column, DataFrame, Row, Window
from pyspark.sql import functions as F

from contracts.heads import HEADS
from contracts.policy import HIDES, RULES
from contracts.settings import ValueWeights
from contracts.visibility import is_shared
from spark_jobs.night.night import Night
from spark_jobs.rules.policy import BROKEN, FLAGS, judged_pairs, read_policy, with_flags
from spark_jobs.rules.recent_posts import live_posts
from spark_jobs.rules.seen import suppressed_pairs
from spark_jobs.rules.visibility import read_edges, visible_pairs

TOP = 16


@dataclass(frozen=True)
class Pair:
    """A post for a user. A field is None if the post did not reach that stage.

    ``kept_back``: rules that kept the post from being proposed. ``candidate`` has sources, simple_score, place and num:
    its place by simple score among num candidates. ``scores`` has score columns, value_score, model_version, place and
    num by value; ``parts`` is each head's part of the value before age and quality. ``num_scored`` is how many of the
    user's candidates were scored. ``pool`` has rank, reason, is_exploration and propensity. ``last_value`` is the value
    of the pool's last post, ``above`` the number of the author's posts in the pool. ``ads`` are rows of
    ``gold.ranked_ads`` that show the post to the user.
    """

    user_id: int
    post_id: int
    kept_back: list[str]
    candidate: Mapping[str, Any] | None
    scores: Mapping[str, Any] | None
    parts: dict[str, float] = field(default_factory=dict)
    num_scored: int = 0
    pool: Mapping[str, Any] | None = None
    last_value: float | None = None
    above: int = 0
    ads: list[Mapping[str, Any]] = field(default_factory=list)

    @property
    def lost_at(self) -> str | None:
        """The stage at which it was lost; None if it is in the pool."""
        if self.pool is not None:
            return None
        if self.scores is not None:
            return "rerank"
        return "candidates" if self.candidate is None else "score"


@dataclass(frozen=True)
class Pool:
    """A user's funnel: candidates ``by_source``, how many were ``scored``, and the pool's rows and ads, in order."""

    user_id: int
    by_source: dict[str, int]
    candidates: int
    scored: int
    rows: list[Mapping[str, Any]]
    ads: list[Mapping[str, Any]]


@dataclass(frozen=True)
class Post:
    """A post for everybody. ``kept_back`` are the rules that withhold it from all or some users.

    ``by_source``: users to whom each source proposed it; ``candidates``, ``scored``, ``pools`` and ``tops``: users at
    each stage, the last in the first 16 places; ``ranks``: best, median and worst.
    """

    post_id: int
    author_id: int | None
    kept_back: list[str]
    by_source: dict[str, int]
    candidates: int
    scored: int
    pools: int
    tops: int
    ranks: tuple[int, float, int] | None


def explain_pair(night: Night, user_id: int, post_id: int) -> Pair:
    """The story of the post's place in the user's pool, or of where it was lost."""
    is_it = F.col("post_id") == F.lit(post_id)
    candidate = _placed(_of_user(night, "gold.feed_candidates", user_id), "simple_score", is_it)
    scored = _of_user(night, "gold.scored_candidates", user_id)
    scores = _placed(scored, "value_score", is_it)
    places = _of_user(night, "gold.ranked_feeds", user_id).orderBy("rank").collect()
    [*mine] = [row.asDict() for row in places if row.post_id == post_id]
    author = scores["author_id"] if scores else None
    return Pair(
        user_id,
        post_id,
        [] if candidate else rules_against(night, user_id, post_id),
        candidate,
        scores,
        parts_of(scores, night.settings.value) if scores else {},
        scores["num"] if scores else scored.count(),
        mine[0] if mine else None,
        places[-1].value_score if places else None,
        0 if author is None else sum(row.author_id == author for row in places),
        [ad for ad in _ads_of(night, user_id) if ad["post_id"] == post_id],
    )


def explain_pool(night: Night, user_id: int) -> Pool:
    """The user's funnel, and each place of the pool with its sources and the parts of its value."""
    candidates = _of_user(night, "gold.feed_candidates", user_id)
    scored = _of_user(night, "gold.scored_candidates", user_id)
    proposed = candidates.select("post_id", "sources", "simple_score")
    judged = scored.select("post_id", *(head.score_column for head in HEADS), "model_version")
    places = _of_user(night, "gold.ranked_feeds", user_id).join(proposed, "post_id", "left")
    rows = places.join(judged, "post_id", "left").orderBy("rank").collect()
    weights = night.settings.value
    return Pool(
        user_id,
        _by_source(candidates),
        candidates.count(),
        scored.count(),
        [{**row.asDict(), "parts": parts_of(row.asDict(), weights)} for row in rows],
        _ads_of(night, user_id),
    )


def explain_post(night: Night, post_id: int) -> Post:
    """Number of users to whom the post was proposed, by source, and how many it reached at each stage."""
    is_it = F.col("post_id") == F.lit(post_id)
    candidates = night.read_tonight("gold.feed_candidates").where(is_it)
    places = night.read_tonight("gold.ranked_feeds").where(is_it)
    ranks = places.agg(
        F.count("*").alias("pools"),
        F.count_if(F.col("rank") <= TOP).alias("tops"),
        F.min("rank").alias("best"),
        F.percentile("rank", 0.5).alias("median"),
        F.max("rank").alias("worst"),
    ).first()
    assert ranks is not None, "an aggregate without groups has one row"
    known = night.read("silver.posts").where(is_it).first()
    return Post(
        post_id,
        None if known is None else known.author_id,
        rules_against_post(night, post_id),
        _by_source(candidates),
        candidates.count(),
        night.read_tonight("gold.scored_candidates").where(is_it).count(),
        ranks.pools,
        ranks.tops,
        (ranks.best, ranks["median"], ranks.worst) if ranks.pools else None,
    )


def rules_against_post(night: Night, post_id: int) -> list[str]:
    """Rules that withhold a post from everybody, and rules of policy that withhold it from users who ask."""
    posts = night.read("silver.posts").where(F.col("post_id") == F.lit(post_id))
    post = posts.first()
    if post is None:
        return ["no such post is known"]
    reasons = _not_live(night, posts, post)
    if not is_shared(post.privacy):
        reasons.append("only its author may see it")
    flagged = with_flags(posts.select("post_id"), read_policy(night).flagged).first()
    assert flagged is not None, "the post is known"
    for rule in RULES:
        users = f"whoever asks to {rule.replace('_', ' ')}" if rule in HIDES else "everybody"
        reasons += [f"policy keeps it from {users}"] * flagged[FLAGS[rule]]
    return reasons


def rules_against(night: Night, user_id: int, post_id: int) -> list[str]:
    """Rules that kept a post from being proposed to a user; empty if no source chose it within its limit."""
    posts = night.read("silver.posts").where(F.col("post_id") == F.lit(post_id))
    post, policy = posts.first(), read_policy(night)
    if post is None:
        return ["no such post is known"]
    if policy.asks.where(F.col("user_id") == F.lit(user_id)).isEmpty():
        return ["no such user is known"]
    pair = night.spark.createDataFrame([(user_id, post_id)], "user_id BIGINT, post_id BIGINT")
    reasons = _not_live(night, posts, post)
    if post.author_id == user_id:
        reasons.append("the user wrote it")
    if not post.is_deleted and visible_pairs(pair, posts, read_edges(night)).isEmpty():
        reasons.append("the user may not see it")
    logs = night.read("silver.impressions"), night.read("silver.engagements")
    seen = suppressed_pairs(*logs, night.as_of, night.settings)
    if not pair.join(seen, ["user_id", "post_id"], "left_semi").isEmpty():
        reasons.append("the user has seen, hidden or reported it")
    [judged] = judged_pairs(pair, policy).collect()
    return reasons + [f"policy: {rule.replace('_', ' ')}" for rule in RULES if judged[BROKEN][rule]]


def _not_live(night: Night, posts: DataFrame, post: Row) -> list[str]:
    if post.is_deleted:
        return ["it is deleted"]
    hours = night.settings.dataset.candidate_hours
    is_live = not live_posts(posts, night.as_of, night.settings).isEmpty()
    return [] if is_live else [f"it was not written in the {hours} h before the night"]


def parts_of(scores: Mapping[str, Any], weights: ValueWeights) -> dict[str, float]:
    """Each head's part of the value before age and quality; empty if no model scored."""
    return {
        head.name: 0.0 + getattr(weights, head.value_weight) * scores[head.score_column]  # no -0
        for head in HEADS
        if scores.get(head.score_column) is not None
    }


def _of_user(night: Night, name: str, user_id: int) -> DataFrame:
    return night.read_tonight(name).where(F.col("user_id") == F.lit(user_id))


def _ads_of(night: Night, user_id: int) -> list[Mapping[str, Any]]:
    if not night.lake.exists("gold.ranked_ads"):  # a lake of nights from before there were ads
        return []
    return [row.asDict() for row in _of_user(night, "gold.ranked_ads", user_id).orderBy("after_rank").collect()]


def _placed(rows: DataFrame, by: str, is_it: Column) -> dict[str, Any] | None:
    """The post's row with its ``place`` by the column among ``num``, if it is there."""
    order = Window.partitionBy("user_id").orderBy(F.desc(by), "post_id")
    placed = rows.withColumns(
        {"place": F.row_number().over(order), "num": F.count("*").over(Window.partitionBy("user_id"))}
    )
    row: Row | None = placed.where(is_it).first()
    return None if row is None else row.asDict()


def _by_source(candidates: DataFrame) -> dict[str, int]:
    counted = candidates.select(F.explode("sources").alias("source")).groupBy("source").agg(F.count("*").alias("n"))
    return {row.source: row.n for row in counted.orderBy(F.desc("n"), "source").collect()}
