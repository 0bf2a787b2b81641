"""Counts of the connections between a viewer and an author, per pair and day."""

from collections.abc import Sequence
from datetime import date

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from contracts.landing import PROFILE_VISIT
from contracts.settings import FeatureRules
from spark_jobs.features.graph.mutual_friends import mutual_friends
from spark_jobs.features.interactions import counted, edge_interval, event_interval, totals_on_days
from spark_jobs.features.user.user_facts import counted_dwell_ms
from spark_jobs.rules.counters import NEGATIVE, POSITIVE, is_kind

INTERACTIONS = (*POSITIVE, "click", "bookmark", "view")
"""Engagements that count as an interaction; a hide, a report or a glance does not bring people closer."""

_PAIR = ("user_id", "author_id")

RETURNED = {name: f"returned_{name}" for name in ("num_views", "num_engaged", "num_dwells", "log_dwell_micros")}
"""Counts that are taken of both directions: name in the one direction, name of the other direction's."""

LOG_PARTS = 1_000_000
"""Logarithms are summed as whole millionths: a sum of doubles depends on the order of its rows."""


def count_pairs(
    *,
    met: DataFrame,
    friendships: DataFrame,
    page_follows: DataFrame,
    pages: DataFrame,
    days: Sequence[date],
    activity_days: int,
    rules: FeatureRules,
) -> DataFrame:
    """Counts of the pairs who are connected, met or answered each other on any of ``days``, without self-pairs.

    Grain: user_id, author_id, ds. ``met`` is the event log with its posts; posts without a known author are left out.
    """
    # This condition also drops null authors.
    others = met.where(F.col("user_id") != F.col("author_id"))
    parts = [
        *encounters(others, activity_days, rules),
        mutual_friends(friendships, days),
        *connections(friendships, page_follows, pages),
    ]
    return totals_on_days(parts, _PAIR, days)


def encounters(met: DataFrame, activity_days: int, rules: FeatureRules) -> list[DataFrame]:
    """Viewers' impressions and engagements with authors' posts, and the authors' comments on the viewers' posts."""
    interval = event_interval(activity_days)
    interacts = is_kind(*INTERACTIONS)
    dwell_ms = counted_dwell_ms(rules)
    log_s = F.log1p(dwell_ms / F.lit(1000.0))
    counts = {f"num_{kind}s": F.count_if(is_kind(kind)) for kind in POSITIVE}
    counts |= {
        "num_views": F.count_if(is_kind("impression")),
        "num_engaged": F.count_if(is_kind(*POSITIVE)),
        "num_negatives": F.count_if(is_kind(*NEGATIVE)),
        "num_interactions": F.count_if(interacts),
        "num_profile_visits": F.count_if(is_kind("click") & (F.col("detail") == PROFILE_VISIT)),
        "num_dwells": F.count_if(is_kind("dwell")),
        "dwell_ms": F.sum(F.when(is_kind("dwell"), dwell_ms)),
        "log_dwell_micros": F.sum(F.when(is_kind("dwell"), F.round(log_s * F.lit(LOG_PARTS)).cast("long"))),
        "last_micros": F.max(F.when(interacts, F.unix_micros("event_time"))),
    }
    acts = met.select(*_PAIR, "kind", "detail", "dwell_ms", "event_time", *interval)
    turned = [F.col("author_id").alias("user_id"), F.col("user_id").alias("author_id")]
    answers = met.where(is_kind("comment")).select(*turned, *interval)
    return [counted(acts, _PAIR, counts), counted(answers, _PAIR, {"num_answers": F.count("*")})]


def returned(totals: DataFrame) -> DataFrame:
    """The ``RETURNED`` counts of authors with viewers' posts; grain as ``totals``, only of pairs with a view."""
    viewed = totals.where(F.col("num_views") > 0)
    turned = F.col("author_id").alias("user_id"), F.col("user_id").alias("author_id")
    counts = (F.col(name).alias(returned_name) for name, returned_name in RETURNED.items())
    return viewed.select(*turned, "ds", *counts)


def mean_dwell(totals: DataFrame) -> DataFrame:
    """Mean logarithm of the seconds of all dwells, as ``mean_log_dwell``, null without any; grain: ds."""
    mean = F.try_divide(F.sum("log_dwell_micros") / F.lit(LOG_PARTS), F.sum("num_dwells"))
    return totals.groupBy("ds").agg(mean.alias("mean_log_dwell"))


def connections(friendships: DataFrame, page_follows: DataFrame, pages: DataFrame) -> list[DataFrame]:
    """Friends, with family marked, and followers of a page of the author, with the days on which they are."""
    user, owner = F.col("user_id"), F.col("owner_id").alias("author_id")
    friends = friendships.where(user != F.col("friend_id"))
    is_family = F.col("relation") == "family"
    followed = page_follows.join(pages.select("page_id", owner), "page_id", "inner").where(user != F.col("author_id"))
    edges = edge_interval(friends, user, F.col("friend_id").alias("author_id"), is_family.alias("is_family"))
    return [
        counted(edges, _PAIR, {"num_friendships": F.count("*"), "num_family": F.count_if("is_family")}),
        counted(edge_interval(followed, user, F.col("author_id")), _PAIR, {"num_follows": F.count("*")}),
    ]
