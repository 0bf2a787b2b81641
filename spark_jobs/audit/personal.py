"""Check that feeds are personal: a night in which everyone gets much the same feed must not be served."""

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from contracts.candidate_sources import CANDIDATE_SOURCES
from contracts.settings import AuditThresholds
from contracts.visibility import is_open
from spark_jobs.audit.checks import Check, at_most, only_row, report_only
from spark_jobs.night.night import Night
from spark_jobs.rules.authorship import author_key
from spark_jobs.rules.known_taste import users_with_taste
from spark_jobs.rules.recent_posts import live_posts

NUM_AUTHORS = 10


def check_personal(night: Night, pools: DataFrame, candidates: DataFrame, limits: AuditThresholds) -> list[Check]:
    """Checks of users with known taste: overlap of pools, share of impersonal pools, share of the top ten authors.

    ``candidates`` is the night's partition of ``gold.feed_candidates``. With fewer open posts than
    ``personal_from_posts`` there is little choice, so the values are only reported. They are also only reported if no
    user's taste is known.
    """
    posts = live_posts(night.read("silver.posts"), night.as_of, night.settings)
    num_open = posts.where(is_open(F.col("privacy"), F.col("source_type"))).count()
    known = pools.join(users_with_taste(night), "user_id", "left_semi").persist()
    head = known.where(F.col("rank") <= limits.head_depth)
    try:
        values = overlap(known), share_impersonal(known, candidates), share_of_authors(head)
    finally:
        known.unpersist()
    names = (
        "overlap_of_two_pools",
        "share_of_users_with_an_impersonal_pool",
        f"share_of_ten_authors_in_top_{limits.head_depth}",
    )
    most_of = limits.max_overlap, limits.max_share_impersonal, limits.max_share_of_ten_authors
    return [
        report_only(name, value)
        if value is None or num_open < limits.personal_from_posts
        else at_most(name, value, most)
        for name, value, most in zip(names, values, most_of, strict=True)
    ]


def overlap(pools: DataFrame) -> float | None:
    """Share of posts that two users have in common, averaged over all pairs; None with fewer than two users.

    A post in n pools is shared by n·(n - 1) / 2 pairs, so pairs need not be enumerated.
    """
    in_pools = pools.groupBy("post_id").agg(F.count("*").alias("n"))
    shared = only_row(in_pools.agg(F.sum(F.col("n") * (F.col("n") - 1)).alias("shared"), F.sum("n").alias("places")))
    num_users = pools.select("user_id").distinct().count()
    if num_users < 2:  # noqa: PLR2004 - a pair
        return None
    mean_depth = shared["places"] / num_users
    return float(shared["shared"] / (num_users * (num_users - 1)) / mean_depth)


def share_impersonal(pools: DataFrame, candidates: DataFrame) -> float | None:
    """Share of users for whom impersonal sources alone proposed more than half of the pool."""
    proposed = candidates.select("user_id", "post_id", "sources")
    personal = F.array(*(F.lit(source.name) for source in CANDIDATE_SOURCES if source.is_personal))
    is_for_everyone = ~F.arrays_overlap("sources", personal)
    per_user = pools.join(proposed, ["user_id", "post_id"], "inner").groupBy("user_id")
    shares = per_user.agg(F.avg(is_for_everyone.cast("int")).alias("share"))
    value: float | None = only_row(shares.agg(F.avg((F.col("share") > F.lit(0.5)).cast("int")).alias("of")))["of"]
    return value


def share_of_authors(places: DataFrame) -> float | None:
    """Share of all ``places`` that the ten authors with the most of them hold; None without places."""
    per_author = places.groupBy(*author_key()).agg(F.count("*").alias("n"))
    num = only_row(per_author.agg(F.sum("n").alias("all")))["all"]
    if not num:
        return None
    largest = per_author.orderBy(F.desc("n")).limit(NUM_AUTHORS)
    return float(only_row(largest.agg(F.sum("n").alias("held")))["held"] / num)
