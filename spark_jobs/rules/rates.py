"""Smoothed rates and log counts, for several tables."""

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from spark_jobs.rules.counters import POSITIVE_COUNTS


def smoothed_rate(count: Column, trials: Column, mean: float | Column, strength: float) -> Column:
    """Empirical-Bayes rate in [0, 1]: ``(count + mean * strength) / (trials + strength)``.

    The count is capped at the trials: a user can comment twice on one impression, and a source may log no impressions.
    Without trials the rate is its prior mean.
    """
    return (F.least(count, trials) + F.lit(mean * strength)) / (trials + F.lit(strength))


def log_count(count: Column) -> Column:
    """``log1p`` of a count."""
    return F.log1p(count.cast("double"))


def count_of_log(name: str) -> Column:
    """The count whose ``log_count`` is in the column ``name``: exact for float32 up to about a million."""
    return F.round(F.expm1(F.col(name).cast("double")))


def num_engaged() -> Column:
    """Likes, comments and shares of a row of ``gold.post_features``; null where it lacks them."""
    return sum((count_of_log(f"log_{name}") for name in POSITIVE_COUNTS), F.lit(0))


def with_engagement(posts: DataFrame, strength: float) -> DataFrame:
    """Rows of ``gold.post_features`` with num_views, num_engaged, the ``usual`` rate of all and their own ``rate``."""
    views = count_of_log("log_views")
    counted = posts.withColumns({"num_views": views, "num_engaged": F.least(num_engaged(), views)})
    usual = F.coalesce(F.sum("num_engaged") / F.greatest(F.sum("num_views"), F.lit(1)), F.lit(0.0)).alias("usual")
    known = counted.crossJoin(F.broadcast(counted.agg(usual)))
    return known.withColumn("rate", smoothed_rate(F.col("num_engaged"), F.col("num_views"), F.col("usual"), strength))


def against_usual(rate: Column, usual: Column) -> Column:
    """A rate in [0, 1) such that what is usual is a half: ``rate / (rate + usual)``; a half where nothing is usual."""
    return F.when(rate + usual > 0, rate / (rate + usual)).otherwise(F.lit(0.5))


def smoothed_mean(total: Column, trials: Column, mean: float, strength: float) -> Column:
    """Empirical-Bayes mean of a quantity per trial: ``smoothed_rate`` without the cap."""
    return (total + F.lit(mean * strength)) / (trials + F.lit(strength))


def share_of(count: Column, total: Column) -> Column:
    """``count / total`` without smoothing, for complete counts; 0 if the total is 0."""
    return count / F.greatest(total, F.lit(1))


def wilson_lower(count: Column, trials: Column) -> Column:
    """Lower end of the 95 % interval of a rate; 0 without trials.

    E. B. Wilson, "Probable Inference, the Law of Succession, and Statistical Inference", 1927.
    """
    z, n = 1.96, F.greatest(trials, F.lit(1)).cast("double")
    rate = F.least(count, trials) / n
    margin = F.lit(z) * F.sqrt((rate * (F.lit(1.0) - rate) + F.lit(z * z / 4) / n) / n)
    lower = (rate + F.lit(z * z / 2) / n - margin) / (F.lit(1.0) + F.lit(z * z) / n)
    return F.when(trials > 0, F.greatest(lower, F.lit(0.0))).otherwise(F.lit(0.0))


def clipped_log_odds(rate: Column) -> Column:
    """``log(p / (1 - p))`` of a rate clipped to [0.0001, 0.9999], so that it is finite."""
    p = F.least(F.greatest(rate.cast("double"), F.lit(1e-4)), F.lit(1.0 - 1e-4))
    return F.log(p / (F.lit(1.0) - p))
