"""Who may see which post: the one place for the rule.

A viewer may see a post iff it is not deleted, neither viewer nor author blocks the other, and the viewer is its
author or its privacy admits them: ``public`` everyone, ``friends`` the author's friends, ``friends_except`` the
friends outside the audience, ``custom`` the audience, ``only_me`` nobody. A post in a group needs an active
membership as well: there, ``public`` means the members.
A post of which no author is known is nobody's: nobody is its author or the author's friend, and no block concerns it.
So ``public`` shows it to everyone and ``custom`` to the audience, and any other privacy to nobody at all.
"""

from dataclasses import dataclass
from datetime import datetime

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from spark_jobs.night import Night

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
    """Intervals that hold at ``as_of`` (``valid_from`` ≤ as_of < ``valid_to``) and had arrived before it."""
    has_begun = (F.col("valid_from") <= F.lit(as_of)) & (F.col("received_at") < F.lit(as_of))
    has_not_ended = F.col("valid_to").isNull() | (F.col("valid_to") > F.lit(as_of))
    return edges.where(has_begun & has_not_ended)


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
    names = ("author_id", "source_type", "source_id", "privacy", "audience")
    facts = posts.where(~F.col("is_deleted")).select("post_id", *(F.col(name).alias(f"_{name}") for name in names))
    yes = F.lit(col=True)
    friends = edges.friends.select("user_id", F.col("friend_id").alias("_author_id"), yes.alias("_is_friend"))
    group = (F.col("group_id").alias("_source_id"), F.lit("group").alias("_source_type"))
    members = edges.members.select("user_id", *group, yes.alias("_is_member"))
    blocked = edges.blocked.select("user_id", F.col("blocked_id").alias("_author_id"))
    known = (
        pairs.join(facts, "post_id", "inner")
        .join(blocked, ["user_id", "_author_id"], "left_anti")
        .join(friends, ["user_id", "_author_id"], "left")
        .join(members, ["user_id", "_source_id", "_source_type"], "left")
    )
    is_author = F.coalesce(F.col("user_id") == F.col("_author_id"), F.lit(col=False))
    is_friend = F.coalesce(F.col("_is_friend"), F.lit(col=False))
    is_listed = F.array_contains("_audience", F.col("user_id"))
    is_admitted = (
        F.when(F.col("_privacy") == "public", F.lit(col=True))
        .when(F.col("_privacy") == "friends", is_friend)
        .when(F.col("_privacy") == "friends_except", is_friend & ~is_listed)
        .when(F.col("_privacy") == "custom", is_listed)
        .otherwise(F.lit(col=False))
    )
    may_enter = (F.col("_source_type") != "group") | F.coalesce(F.col("_is_member"), F.lit(col=False))
    return known.where(is_author | (is_admitted & may_enter)).select(*pairs.columns)
