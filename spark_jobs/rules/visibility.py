"""The rule of ``contracts.visibility`` for tables."""

from dataclasses import dataclass
from datetime import datetime

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from contracts.visibility import Viewing, is_visible
from spark_jobs.night.night import Night
from spark_jobs.rules.point_in_time import known_before

POST_COLUMNS = ("post_id", "author_id", "source_type", "source_id", "privacy", "audience", "is_deleted")


@dataclass(frozen=True)
class Edges:
    """The graph at one instant, each pair once.

    ``friends`` is (user_id, friend_id), ``members`` (user_id, group_id), ``blocked`` (user_id, blocked_id) in both
    directions.
    """

    friends: DataFrame
    members: DataFrame
    blocked: DataFrame


def active(edges: DataFrame, as_of: datetime) -> DataFrame:
    """Intervals that are valid at ``as_of`` (``valid_from`` < as_of < ``valid_to``) and had arrived before it."""
    has_not_ended = F.col("valid_to").isNull() | (F.col("valid_to") > F.lit(as_of))
    return edges.where(known_before(as_of, "valid_from") & has_not_ended)


def both_directions(blocks: DataFrame) -> DataFrame:
    """Pairs (user_id, blocked_id) that may not see each other, each direction once."""
    forward = blocks.select("user_id", "blocked_id")
    backward = blocks.select(F.col("blocked_id").alias("user_id"), F.col("user_id").alias("blocked_id"))
    return forward.unionByName(backward).distinct()


def read_edges(night: Night) -> Edges:
    """The night's graph, read from silver."""
    friendships, memberships = night.read("silver.friendships"), night.read("silver.group_memberships")
    return edges_at(friendships, memberships, night.read("silver.blocks"), night.as_of)


def edges_at(friendships: DataFrame, memberships: DataFrame, blocks: DataFrame, as_of: datetime) -> Edges:
    """The graph at ``as_of`` from the interval tables of silver."""
    return Edges(
        active(friendships, as_of).select("user_id", "friend_id").distinct(),
        active(memberships, as_of).select("user_id", "group_id").distinct(),
        both_directions(active(blocks, as_of)),
    )


def visible_pairs(pairs: DataFrame, posts: DataFrame, edges: Edges) -> DataFrame:
    """The rows of ``pairs`` whose ``user_id`` may see ``post_id``; columns and duplicates are kept.

    ``posts`` has ``POST_COLUMNS``, one row per post; a pair whose post is unknown is not visible.
    """
    facts = posts.select("post_id", *(F.col(name).alias(f"_{name}") for name in POST_COLUMNS[1:]))
    yes = F.lit(col=True)
    group = (F.col("group_id").alias("_source_id"), F.lit("group").alias("_source_type"))
    by_author = ["user_id", "_author_id"]
    blocked = edges.blocked.toDF(*by_author).withColumn("_is_blocked", yes)
    friends = edges.friends.toDF(*by_author).withColumn("_is_friend", yes)
    members = edges.members.select("user_id", *group, yes.alias("_is_member"))
    known = (
        pairs.join(facts, "post_id", "inner")
        .join(blocked, by_author, "left")
        .join(friends, by_author, "left")
        .join(members, ["user_id", "_source_id", "_source_type"], "left")
    )
    pair = Viewing(
        privacy=F.col("_privacy"),
        source_type=F.col("_source_type"),
        is_deleted=F.col("_is_deleted"),
        is_author=_holds(F.col("user_id") == F.col("_author_id")),
        is_friend=_holds(F.col("_is_friend")),
        is_listed=F.array_contains("_audience", F.col("user_id")),
        is_member=_holds(F.col("_is_member")),
        is_blocked=_holds(F.col("_is_blocked")),
    )
    return known.where(is_visible(pair)).select(*pairs.columns)


def _holds(fact: Column) -> Column:
    return F.coalesce(fact, F.lit(col=False))
