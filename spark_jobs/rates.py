"""Guarded arithmetic that several tables share: smoothed rates and log counts."""

from pyspark.sql import Column
from pyspark.sql import functions as F


def smoothed_rate(count: Column, trials: Column, mean: float, strength: float) -> Column:
    """Empirical-Bayes rate in [0, 1]: ``(count + mean * strength) / (trials + strength)``.

    The count is capped at the trials: one can comment twice on one impression, and a source may log no impressions
    at all; without trials the rate is its prior mean.
    """
    return (F.least(count, trials) + F.lit(mean * strength)) / (trials + F.lit(strength))


def log_count(count: Column) -> Column:
    """``log1p`` of a count."""
    return F.log1p(count.cast("double"))
