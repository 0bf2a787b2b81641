"""Exposures: who saw which post when; logged, or sampled for a source that logs no impressions.

Grain: example_id. Columns: user_id, post_id, shown_at, surface, request_id, position, exposure, propensity, city, and
the features of ``spark_jobs.rules.context_columns.session_columns``, null where unknown.
"""

from datetime import timedelta

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from contracts.settings import NegativeSampling
from contracts.visibility import is_open
from spark_jobs.examples.session_state import session_state
from spark_jobs.examples.window import Window
from spark_jobs.rules.authorship import is_by_another
from spark_jobs.rules.context_columns import session_columns
from spark_jobs.rules.counters import POSITIVE, organic
from spark_jobs.rules.post_versions import is_gone_at, is_version_at


def logged_exposures(impressions: DataFrame, window: Window) -> DataFrame:
    """Organic impressions of the window, each with the state of its session, which may have begun the day before."""
    since = F.col("event_date").between(F.lit(window.first - timedelta(days=1)), F.lit(window.last))
    received = session_state(window.received(organic(impressions).where(since), "shown_at"))
    return received.where(window.holds("shown_at")).select(
        F.col("impression_id").alias("example_id"),
        "user_id",
        "post_id",
        "shown_at",
        "surface",
        "request_id",
        "position",
        F.lit("logged").alias("exposure"),
        "propensity",
        "city",
        *(column.alias(name) for name, column in session_columns().items()),
    )


def sampled_exposures(
    engagements: DataFrame, versions: DataFrame, window: Window, sampling: NegativeSampling, seed: int
) -> DataFrame:
    """Engagements of the window as exposures, and sampled posts for each (``docs/negatives.md``).

    ``versions`` are versions of posts ``with_deletions`` (``spark_jobs.rules.post_versions``).
    """
    known = window.received(organic(engagements), "engaged_at").where(F.col("user_id").isNotNull())
    positives = first_engagements(known, window)
    negatives = sample_negatives(positives, known, versions, window=window, sampling=sampling, seed=seed)
    return positives.unionByName(negatives).select(
        "example_id",
        "user_id",
        "post_id",
        "shown_at",
        F.lit(None).cast("string").alias("surface"),
        F.lit(None).cast("string").alias("request_id"),
        F.lit(None).cast("int").alias("position"),
        F.lit("sampled").alias("exposure"),
        F.lit(None).cast("double").alias("propensity"),
        F.lit(None).cast("string").alias("city"),
        *(F.lit(None).cast("double").alias(name) for name in session_columns()),
    )


def first_engagements(engagements: DataFrame, window: Window) -> DataFrame:
    """First like, comment or share of a user with a post on a day: example_id, user_id, post_id, shown_at."""
    days = F.col("event_date").between(F.lit(window.first), F.lit(window.last))
    positive = engagements.where(days & F.col("engagement_type").isin(*POSITIVE))
    first = F.min(F.struct("engaged_at", "engagement_id")).alias("first")
    collapsed = positive.groupBy("user_id", "post_id", "event_date").agg(first)
    return collapsed.select(
        F.col("first.engagement_id").alias("example_id"),
        "user_id",
        "post_id",
        F.col("first.engaged_at").alias("shown_at"),
    ).where(window.holds("shown_at"))


def sample_negatives(
    positives: DataFrame,
    engagements: DataFrame,
    versions: DataFrame,
    *,
    window: Window,
    sampling: NegativeSampling,
    seed: int,
) -> DataFrame:
    """Posts that a user could have met near each positive and did not engage with; same columns as ``positives``."""
    everyones = versions.where(is_open(F.col("privacy"), F.col("source_type"))).select(
        F.col("post_id").alias("_post_id"),
        "author_id",
        "created_at",
        "visible_from",
        "visible_until",
        "deleted_at",
        "deletion_received_at",
        F.to_date("created_at").alias("_day"),
    )
    num_slots = count_slots(everyones, window, sampling.posts_per_slot)
    oldest = F.col("shown_at") - _hours(window.candidate_hours)
    buckets = positives.withColumns(
        {
            "_day": F.explode(F.sequence(F.to_date(oldest), F.to_date("shown_at"))),
            "_slot": F.pmod(F.xxhash64(F.lit(seed), "example_id"), F.lit(num_slots)),
        }
    )
    slotted = everyones.withColumn("_slot", F.pmod(F.xxhash64(F.lit(seed), "_post_id"), F.lit(num_slots)))
    near = buckets.join(slotted, ["_day", "_slot"], "inner").where(
        (F.col("created_at") > oldest)
        & (F.col("created_at") <= F.col("shown_at"))
        & is_version_at("shown_at")
        & ~is_gone_at("shown_at")
        & is_by_another("user_id")
        & (F.col("_post_id") != F.col("post_id"))
    )
    engaged = engagements.groupBy("user_id", F.col("post_id").alias("_post_id")).agg(
        F.min("engaged_at").alias("_engaged_at")
    )
    untouched = F.col("_engaged_at").isNull() | (
        F.col("_engaged_at") >= F.col("shown_at") + _hours(window.attribution_hours)
    )
    unanswered = near.join(engaged, ["user_id", "_post_id"], "left").where(untouched)
    draw = F.struct(F.xxhash64(F.lit(seed), "example_id", "_post_id").alias("draw"), "_post_id")
    drawn = unanswered.groupBy("example_id", "user_id", "shown_at").agg(
        F.slice(F.sort_array(F.collect_list(draw)), 1, sampling.per_positive).alias("drawn")
    )
    numbered = drawn.select("example_id", "user_id", "shown_at", F.posexplode("drawn").alias("number", "drawn"))
    return numbered.select(
        F.concat_ws("-", "example_id", F.col("number") + F.lit(1)).alias("example_id"),
        "user_id",
        F.col("drawn._post_id").alias("post_id"),
        "shown_at",
    )


def count_slots(public: DataFrame, window: Window, posts_per_slot: int) -> int:
    """Number of slots that keeps about ``posts_per_slot`` posts of the fullest day in one slot."""
    posts = public.where(F.col("created_at") < F.lit(window.as_of)).select("_post_id", "_day").distinct()
    created = posts.groupBy("_day").agg(F.count("*").alias("n"))
    fullest = created.agg(F.max("n")).first()
    return max(1, -(-int(fullest[0] or 0) // posts_per_slot)) if fullest is not None else 1


def _hours(hours: int) -> Column:
    return F.make_interval(hours=F.lit(hours))
