"""What people and fact checkers said of posts, as evidence in log odds, and how often of an author's other posts."""

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
"""Evidence is counted in millionths, whole numbers, as the sum of fractions depends on their order."""

AUTHOR_COLUMNS = {label: f"author_{label}" for label in LABELS}
"""How much likelier an author's posts are to get the label than anybody's, in log odds; 0 where nothing is known."""


def seen_verdicts(night: Night) -> DataFrame:
    """Verdicts that were given, and received, before the night's as-of, with their ``evidence``."""
    seen = known_before(night.as_of, "updated_at")
    return night.read("silver.content_labels").where(seen).withColumn("evidence", evidence(night.settings.labels))


def evidence(labels: Labels) -> Column:
    """Millionths of log odds that a verdict adds.

    More of a fact checker, less of somebody who is not sure (who does not say is), negative where it says no.
    """
    checks = F.col("labeller_type") == "fact_checker"
    weight = F.when(checks, log_odds(labels.checker_accuracy)).otherwise(log_odds(labels.human_accuracy))
    sure = F.coalesce("confidence", F.lit(1.0))
    return F.round(F.when(F.col("value"), weight).otherwise(-weight) * sure * F.lit(MILLION)).cast("long")


def clear_evidence(labels: Labels) -> float:
    """Log odds beyond which verdicts are clear: half those of one sure person, more than two who disagree leave."""
    return log_odds(labels.human_accuracy) / 2


def of_label(label: str, value: Column) -> Column:
    """``value`` where the row is a verdict on ``label``, else null."""
    return F.when(F.col("label") == label, value)


def judged_posts(verdicts: DataFrame, readings: DataFrame) -> DataFrame:
    """The newest text of each post that somebody judged, with the evidence of those who saw it; grain: post_id.

    ``readings`` have post_id and text_at. ``evidence_<label>`` is null where nobody judged that label. A verdict on an
    earlier text says nothing of a later one.
    """
    met = verdicts.join(readings, "post_id", "inner").where(F.col("text_at") < F.col("updated_at"))
    sums = (F.sum(of_label(label, F.col("evidence"))).alias(f"evidence_{label}") for label in LABELS)
    newest_first = Window.partitionBy("post_id").orderBy(F.desc("text_at"))
    ranked = met.groupBy("post_id", "text_at").agg(*sums).withColumn("_place", F.row_number().over(newest_first))
    return ranked.where(F.col("_place") == 1).drop("_place")


def with_author_rates(points: DataFrame, verdicts: DataFrame, authors: DataFrame, labels: Labels) -> DataFrame:
    """``points`` (post_id, author_id, instant, ...) with ``AUTHOR_COLUMNS``; grain: that of ``points``.

    Counts verdicts visible at the instant on the author's other posts, of which nobody's post has none; ``authors`` has
    post_id and author_id of all.
    Verdicts and points of an author are laid out in one order of time, verdicts first among equals, and added up by
    running sums, of which those on the point's own post are taken off.
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
    asked = points.select(
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
    counted = steps.unionByName(asked).select("_point", *of_others).where(F.col("_point").isNotNull())
    likelier = (_likelier(label, share, labels.author_strength) for label, share in labels.shares.items())
    return counted.select("_point.*", *likelier)


def _likelier(label: str, share: float, strength: float) -> Column:
    """Log odds of the author's smoothed rate, less those of all posts."""
    yes, total = (F.col(f"{name}_{label}") / F.lit(MILLION) for name in ("yes", "all"))
    rate = smoothed_rate(yes, total, share, strength)
    return (F.log(rate) - F.log1p(-rate) - F.lit(log_odds(share))).cast("float").alias(AUTHOR_COLUMNS[label])
