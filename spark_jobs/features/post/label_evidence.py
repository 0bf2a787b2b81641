"""Verdicts of people and fact checkers on posts as evidence in log odds, and label rates of authors."""

from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as F

from contracts.landing import LABELS
from contracts.settings import Labels
from models.content.label_model import log_odds
from spark_jobs.night.night import Night
from spark_jobs.rules.authorship import author_key
from spark_jobs.rules.point_in_time import known_before, visible_micros
from spark_jobs.rules.rates import smoothed_rate

MILLION = 1_000_000
"""Evidence is counted in whole millionths, because a sum of fractions depends on their order."""

AUTHOR_COLUMNS = {label: f"author_{label}" for label in LABELS}
"""Log odds of the label for the author's posts, less those for all posts; 0 if the author has no verdicts."""


def seen_verdicts(night: Night) -> DataFrame:
    """Verdicts that were given and received before the night's as-of, with their ``evidence``."""
    seen = known_before(night.as_of, "updated_at")
    return night.read("silver.content_labels").where(seen).withColumn("evidence", evidence(night.settings.labels))


def evidence(labels: Labels) -> Column:
    """Millionths of log odds that a verdict adds.

    A fact checker adds more. A labeller with a low confidence adds less; without a confidence they count as sure. A
    verdict that denies the label is negative.
    """
    checks = F.col("labeller_type") == "fact_checker"
    weight = F.when(checks, log_odds(labels.checker_accuracy)).otherwise(log_odds(labels.human_accuracy))
    sure = F.coalesce("confidence", F.lit(1.0))
    return F.round(F.when(F.col("value"), weight).otherwise(-weight) * sure * F.lit(MILLION)).cast("long")


def clear_evidence(labels: Labels) -> float:
    """Log odds from which a post is clearly judged: half those of one sure person; two who disagree have less."""
    return log_odds(labels.human_accuracy) / 2


def of_label(label: str, value: Column) -> Column:
    """``value`` if the row is a verdict on ``label``, else null."""
    return F.when(F.col("label") == label, value)


def judged_posts(verdicts: DataFrame, readings: DataFrame) -> DataFrame:
    """The newest text of each judged post, with the evidence of verdicts on this text; grain: post_id.

    ``readings`` have post_id and text_at. ``evidence_<label>`` is null without a verdict on that label. Verdicts on
    earlier texts do not count.
    """
    judged = verdicts.join(readings, "post_id", "inner").where(F.col("text_at") < F.col("updated_at"))
    sums = (F.sum(of_label(label, F.col("evidence"))).alias(f"evidence_{label}") for label in LABELS)
    newest_first = Window.partitionBy("post_id").orderBy(F.desc("text_at"))
    ranked = judged.groupBy("post_id", "text_at").agg(*sums).withColumn("_place", F.row_number().over(newest_first))
    return ranked.where(F.col("_place") == 1).drop("_place")


def with_author_rates(points: DataFrame, verdicts: DataFrame, authors: DataFrame, labels: Labels) -> DataFrame:
    """``points`` (post_id, author_id, instant, ...) with ``AUTHOR_COLUMNS``; grain: that of ``points``.

    Verdicts on the author's other posts count if they are visible at the instant; a post without a known author has no
    other posts. ``authors`` has post_id and author_id of all posts. Verdicts and points of an author are sorted by
    time, verdicts before points of the same time, and added up by running sums; verdicts on the point's own post are
    subtracted.
    """
    weight, says_yes = F.abs("evidence"), F.col("value")
    amounts = {f"yes_{label}": of_label(label, F.when(says_yes, weight)) for label in LABELS}
    amounts |= {f"all_{label}": of_label(label, weight) for label in LABELS}
    steps = verdicts.join(authors.select("post_id", "author_id"), "post_id", "inner").select(
        "author_id",
        "post_id",
        visible_micros("updated_at", "received_at").alias("_at"),
        *(F.coalesce(amount, F.lit(0)).cast("long").alias(name) for name, amount in amounts.items()),
        F.lit(None).cast(points.schema).alias("_point"),
    )
    questions = points.select(
        "author_id",
        "post_id",
        F.unix_micros("instant").alias("_at"),
        *(F.lit(0).cast("long").alias(name) for name in amounts),
        F.struct(*points.columns).alias("_point"),
    )
    before, own = (
        Window.partitionBy(*keys)
        .orderBy("_at", F.col("_point").isNotNull())
        .rowsBetween(Window.unboundedPreceding, Window.currentRow)
        for keys in (author_key(), (*author_key(), F.col("post_id")))
    )
    of_others = ((F.sum(name).over(before) - F.sum(name).over(own)).alias(name) for name in amounts)
    counted = steps.unionByName(questions).select("_point", *of_others).where(F.col("_point").isNotNull())
    author_log_odds = (_excess_log_odds(label, share, labels.author_strength) for label, share in labels.shares.items())
    return counted.select("_point.*", *author_log_odds)


def _excess_log_odds(label: str, share: float, strength: float) -> Column:
    """Log odds of the author's smoothed rate, less those of all posts."""
    yes, total = (F.col(f"{name}_{label}") / F.lit(MILLION) for name in ("yes", "all"))
    rate = smoothed_rate(yes, total, share, strength)
    return (F.log(rate) - F.log1p(-rate) - F.lit(log_odds(share))).cast("float").alias(AUTHOR_COLUMNS[label])
