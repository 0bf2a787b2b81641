"""The audit of a night: checks that ``gold.ranked_feeds`` and ``gold.ranked_ads`` must pass before they are published.

Writes ``audit.json`` in the night's folder: ``{"ds", "passed", "ranked_version", "ads_version", "checks": [{"name",
"value", "threshold", "passed"}]}``. A check without a threshold is only reported. Publish reads the tables in these
versions, so that it publishes exactly what was audited.
"""

from dataclasses import asdict, replace
from datetime import timedelta

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from contracts.policy import RULES
from contracts.settings import AuditThresholds
from spark_jobs.audit.ads import check_ads
from spark_jobs.audit.checks import Check, at_least, at_most, only_row, report_only
from spark_jobs.audit.personal import check_personal
from spark_jobs.night.night import Night
from spark_jobs.rules.authorship import author_key
from spark_jobs.rules.last_published import last_published
from spark_jobs.rules.point_in_time import known_before
from spark_jobs.rules.policy import Policy, breaks, judged_pairs, read_policy
from spark_jobs.rules.seen import suppressed_pairs
from spark_jobs.rules.visibility import Edges, read_edges, visible_pairs

SCORE_QUANTILES = (0.01, 0.25, 0.5, 0.75, 0.99)


class AuditFailed(Exception):  # noqa: N818 - it is a verdict, not a malfunction
    """A night's pools broke a rule; nothing may be published."""


def people(night: Night) -> DataFrame:
    """(user_id, is_active) of all users; active users have impressions or engagements in the last ``activity_days``."""
    since = (night.as_of - timedelta(days=night.settings.dataset.activity_days)).date()
    in_window = F.col("event_date") >= F.lit(since)
    seen = night.read("silver.impressions").where(in_window & known_before(night.as_of, "shown_at"))
    heard = night.read("silver.engagements").where(in_window & known_before(night.as_of, "engaged_at"))
    heard = heard.where(F.col("user_id").isNotNull())
    active = seen.select("user_id").unionByName(heard.select("user_id")).withColumn("is_active", F.lit(1))
    known = (
        night.read("silver.users")
        .where(known_before(night.as_of, "valid_from"))
        .select("user_id")
        .withColumn("is_active", F.lit(0))
    )
    return active.unionByName(known).groupBy("user_id").agg(F.max("is_active").alias("is_active"))


def check_users(pools: DataFrame, everyone: DataFrame, limits: AuditThresholds) -> list[Check]:
    """Share of active users with a pool, its depth, places per author; if nobody was active, all users count."""
    per_author = pools.groupBy("user_id", *(key.alias(f"_key_{at}") for at, key in enumerate(author_key()))).agg(
        F.count("*").alias("n")
    )
    per_user = per_author.groupBy("user_id").agg(F.sum("n").alias("depth"), F.max("n").alias("most"))
    has_pool = F.col("depth").isNotNull().cast("int")
    of_all, of_active = F.when(F.col("is_active").isNotNull(), has_pool), F.when(F.col("is_active") == 1, has_pool)
    totals = only_row(
        everyone.join(per_user, "user_id", "full_outer").agg(
            *(
                F.struct(F.avg(of).alias("share"), F.count_if(of == 0).alias("without")).alias(name)
                for name, of in (("all", of_all), ("active", of_active))
            ),
            F.percentile("depth", 0.5).alias("median"),
            F.min("depth").alias("least"),
            F.max("most").alias("most"),
        )
    )
    judged = totals["all"] if totals["active"].share is None else totals["active"]
    with_pool = at_least("share_of_active_users_with_pool", judged.share, limits.min_share_with_pool)
    is_a_few = judged.share is not None and judged.without < limits.min_without_pool
    return [
        replace(with_pool, passed=with_pool.passed or is_a_few),
        at_least("median_depth", totals["median"], limits.min_median_depth),
        report_only("min_depth", totals["least"]),
        at_most("max_posts_per_author", totals["most"] or 0, limits.max_per_author),
    ]


def check_posts(pools: DataFrame, posts: DataFrame, edges: Edges, limits: AuditThresholds) -> list[Check]:
    """Duplicates in a pool, posts that are unknown or deleted, and posts that the user may not see."""
    pairs = pools.groupBy("user_id", "post_id").agg(F.count("*").alias("n"))
    live = posts.where(~F.col("is_deleted")).select("post_id", F.lit(1).alias("_is_live"))
    visible = visible_pairs(pairs.select("user_id", "post_id"), posts, edges).withColumn("_is_visible", F.lit(1))
    judged = pairs.join(live, "post_id", "left").join(visible, ["user_id", "post_id"], "left")
    is_live, is_visible = F.col("_is_live").isNotNull(), F.col("_is_visible").isNotNull()
    totals = only_row(
        judged.agg(
            F.sum(F.col("n") - 1).alias("repeated"),
            F.sum(F.when(~is_live, F.col("n"))).alias("unknown"),
            F.sum(F.when(is_live & ~is_visible, F.col("n"))).alias("invisible"),
        )
    )
    return [
        at_most("duplicate_posts", totals["repeated"] or 0, limits.max_duplicate_posts),
        at_most("unknown_or_deleted_posts", totals["unknown"] or 0, limits.max_unknown_posts),
        at_most("invisible_posts", totals["invisible"] or 0, limits.max_invisible_posts),
    ]


def check_policy(pools: DataFrame, policy: Policy, limits: AuditThresholds) -> list[Check]:
    """Places in pools that break a rule of policy, per rule."""
    judged = judged_pairs(pools.select("user_id", "post_id"), policy)
    counts = only_row(judged.agg(*(F.count_if(breaks(rule)).alias(rule) for rule in RULES)))
    return [at_most(f"{rule}_violations", counts[rule], limits.max_policy_violations) for rule in RULES]


def count_seen(night: Night, pools: DataFrame) -> int:
    """Number of places whose post the user has recently seen, hidden or reported."""
    log = night.read("silver.impressions"), night.read("silver.engagements")
    seen = suppressed_pairs(*log, night.as_of, night.settings)
    return pools.join(seen, ["user_id", "post_id"], "left_semi").count()


def top_churn(pools: DataFrame, previous: DataFrame, depth: int) -> float | None:
    """Mean share of a user's top ``depth`` that was not in their previous top; None if no user has both."""
    old = previous.where(F.col("rank") <= depth).select("user_id", "post_id", F.lit(1).alias("_was_there"))
    returning = pools.where(F.col("rank") <= depth).join(old.select("user_id").distinct(), "user_id", "left_semi")
    kept = returning.join(old, ["user_id", "post_id"], "left").groupBy("user_id")
    churn = kept.agg((1 - F.count("_was_there") / F.count("*")).alias("churn"))
    value: float | None = only_row(churn.agg(F.avg("churn").alias("churn")))["churn"]
    return value


def published_before(night: Night) -> DataFrame | None:
    """Pools of the last published night before this one."""
    last = last_published(night)
    return None if last is None else night.read("gold.ranked_feeds").where(F.col("ds") == F.lit(last.ds))


def check_scores(pools: DataFrame) -> list[Check]:
    """Quantiles of the value score, to compare nights by eye."""
    quantiles = F.percentile_approx("value_score", list(SCORE_QUANTILES)).alias("q")
    values = only_row(pools.agg(quantiles))["q"] or [None] * len(SCORE_QUANTILES)
    return [report_only(f"score_p{round(100 * q):02d}", v) for q, v in zip(SCORE_QUANTILES, values, strict=True)]


def measure(night: Night, pools: DataFrame, ads: DataFrame) -> list[Check]:
    """Every check of one night's ``pools`` and ``ads``."""
    limits, policy = night.settings.audit, read_policy(night)
    previous = published_before(night)
    churn = None if previous is None else top_churn(pools, previous, limits.churn_depth)
    return [
        *check_users(pools, people(night), limits),
        *check_posts(pools, night.read("silver.posts"), read_edges(night), limits),
        *check_policy(pools, policy, limits),
        at_most("seen_or_hidden_posts", count_seen(night, pools), limits.max_seen_posts),
        *check_personal(night, pools, night.read("gold.feed_candidates").where(F.col("ds") == F.lit(night.ds)), limits),
        *check_ads(night, ads, pools, policy.flagged),
        report_only(f"top_{limits.churn_depth}_churn", churn),
        *check_scores(pools),
    ]


def main(night: Night) -> None:
    """Audit the night and write ``audit.json``; raises ``AuditFailed`` naming each failed check with its numbers."""
    # The audit of an earlier run must not count for this one.
    night.files.audit.remove()
    night.lake.create("gold.ranked_feeds")
    night.lake.create("gold.ranked_ads")
    version, ads_version = (night.lake.version(name) for name in ("gold.ranked_feeds", "gold.ranked_ads"))
    is_tonight = F.col("ds") == F.lit(night.ds)
    pools = night.lake.read("gold.ranked_feeds", version).where(is_tonight).persist()
    ads = night.lake.read("gold.ranked_ads", ads_version).where(is_tonight)
    try:
        checks = measure(night, pools, ads)
    finally:
        pools.unpersist()
    failed = [check for check in checks if not check.passed]
    night.files.audit.write(
        {
            "ds": night.ds.isoformat(),
            "passed": not failed,
            "ranked_version": version,
            "ads_version": ads_version,
            "checks": [asdict(check) for check in checks],
        }
    )
    if failed:
        failures = "; ".join(f"{check.name} is {check.value}, threshold {check.threshold}" for check in failed)
        raise AuditFailed(f"audit of {night.ds.isoformat()} failed: {failures}")
