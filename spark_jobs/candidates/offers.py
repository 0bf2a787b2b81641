"""Inputs of the candidate sources, and the columns of their proposals."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from contracts.settings import Settings
from contracts.visibility import is_open
from spark_jobs.night.night import Night
from spark_jobs.rules.counters import POSITIVE
from spark_jobs.rules.known_taste import users_with_taste
from spark_jobs.rules.point_in_time import known_before
from spark_jobs.rules.seen import recent_log
from spark_jobs.rules.visibility import Edges, active

SPARE = 2
"""A list for many users has this many times the limit, because users have seen some of its posts."""


@dataclass(frozen=True)
class Offers:
    """Everything at the night's as-of.

    ``users`` is (user_id) of everyone known. ``posts`` are those of ``recent_posts`` with columns of
    ``gold.post_features``; ``edges`` decide visibility, ``follows`` is (user_id, page_id). ``tastes`` is the night's
    partition of ``gold.user_features``, ``communities`` that of ``gold.communities``. ``answers`` (user_id, post_id)
    are likes, comments and shares of the candidate window. ``present`` (user_id) did or saw something within
    ``fan_out.present_days``. ``profiles`` (user_id, country, birth_year, interests, as_of) are everyone's newest,
    ``known`` (user_id) those whose taste is known (``users_with_taste``), ``shown`` (user_id, post_id) impressions of
    the candidate window. ``seen`` (user_id, post_id) is not offered again (``suppressed_pairs``).
    """

    as_of: datetime
    settings: Settings
    users: DataFrame
    posts: DataFrame
    edges: Edges
    follows: DataFrame
    tastes: DataFrame
    communities: DataFrame
    answers: DataFrame
    present: DataFrame
    profiles: DataFrame
    known: DataFrame
    shown: DataFrame
    seen: DataFrame

    @property
    def open_posts(self) -> DataFrame:
        """The ``posts`` that everyone may see."""
        return self.posts.where(is_open(F.col("privacy"), F.col("source_type")))


def read_offers(night: Night, users: DataFrame, posts: DataFrame, edges: Edges, seen: DataFrame) -> Offers:
    """Read the night's tables; the arguments have been read already."""
    as_of, settings = night.as_of, night.settings
    is_tonight = F.col("ds") == F.lit(night.ds)
    window = timedelta(hours=settings.dataset.candidate_hours)
    acts = recent_log(night.read("silver.engagements"), "engaged_at", as_of, window)
    return Offers(
        as_of=as_of,
        settings=settings,
        users=users.select("user_id"),
        posts=posts,
        edges=edges,
        follows=active(night.read("silver.page_follows"), as_of).select("user_id", "page_id").distinct(),
        tastes=night.read("gold.user_features").where(is_tonight),
        communities=night.read("gold.communities").where(is_tonight),
        answers=acts.where(F.col("engagement_type").isin(*POSITIVE)).select("user_id", "post_id"),
        present=present_users(night),
        profiles=profiles_of(night.read("silver.users").where(known_before(as_of, "valid_from")), as_of),
        known=users_with_taste(night),
        shown=recent_log(night.read("silver.impressions"), "shown_at", as_of, window).select("user_id", "post_id"),
        seen=seen,
    )


def present_users(night: Night) -> DataFrame:
    """(user_id) of those who did or saw something within ``fan_out.present_days``."""
    presence = timedelta(days=night.settings.fan_out.present_days)
    did = recent_log(night.read("silver.engagements"), "engaged_at", night.as_of, presence)
    saw = recent_log(night.read("silver.impressions"), "shown_at", night.as_of, presence)
    return did.select("user_id").unionByName(saw.select("user_id")).distinct()


def profiles_of(users: DataFrame, as_of: datetime) -> DataFrame:
    """(user_id, country, birth_year, interests, as_of) of the newest version of each of ``users``."""
    newest = F.max_by(F.struct("country", "birth_year", "interests"), "valid_from").alias("_newest")
    return users.groupBy("user_id").agg(newest).select("user_id", "_newest.*", F.lit(as_of).alias("as_of"))


def proposed(priority: Column) -> list[Column | str]:
    """Columns of a source's proposals: user_id, post_id and ``priority``, by which its limit keeps the highest."""
    return ["user_id", "post_id", priority.cast("double").alias("priority")]


def at_s(column: str) -> Column:
    """Unix seconds of a time, so that the newest is highest."""
    return F.col(column).cast("double")
