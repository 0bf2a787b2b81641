"""Encode countries and cities by the locations that a night's models know, for features and examples.

A night encodes its examples and the users whom it scores with the same rows of gold.locations, so a location has the
same number in training and scoring. Every other location is unknown, and so is a missing one.
"""

from collections.abc import Sequence

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from contracts.features import KNOWN_CITIES
from contracts.settings import Smoothing
from spark_jobs.rules.rates import smoothed_rate

CARRIED = ("country", "city_views")
"""Columns of gold.user_features that are not features: a later night encodes them by its own locations."""


def join_countries(frame: DataFrame, locations: DataFrame, keys: Sequence[str] = ()) -> DataFrame:
    """``frame`` (country, ``keys``, ...) with ``country_share``, null if the country is unknown.

    ``keys`` is ``("ds",)`` if rows belong to different nights; without keys, ``locations`` are those of one night.
    """
    is_country = F.col("kind") == "country"
    known = locations.where(is_country).select(
        *keys, F.col("location").alias("country"), F.col("share").alias("_share")
    )
    joined = frame.join(known, [*keys, "country"], "left")
    return joined.withColumnRenamed("_share", "country_share")


def join_cities(frame: DataFrame, locations: DataFrame, keys: Sequence[str] = ()) -> DataFrame:
    """``frame`` with ``known_cities``: names of the night's known cities, most users first."""
    of_night = locations.where(F.col("kind") == "city").groupBy(*keys)
    ranked = of_night.agg(F.array_sort(F.collect_list(F.struct("rank", "location"))).alias("_ranked"))
    known = F.broadcast(ranked.select(*keys, F.col("_ranked.location").alias("known_cities")))
    return frame.join(known, list(keys), "left") if keys else frame.crossJoin(known)


def location() -> Column:
    """How common the country is: ``log1p`` of its users per thousand; 0 if it is unknown."""
    return F.log1p(F.coalesce("country_share", F.lit(0.0)) * F.lit(1000.0))


def in_cities() -> dict[str, Column]:
    """Whether ``city`` is the first, second, ... of ``known_cities``; null if it is none of them."""
    known = F.array_contains("known_cities", F.col("city"))
    return {
        f"city_{rank}": F.when(known, F.coalesce(_named(rank) == F.col("city"), F.lit(col=False)))
        for rank in range(1, KNOWN_CITIES + 1)
    }


def city_ratios(smoothing: Smoothing) -> dict[str, Column]:
    """Smoothed share of each known city in the user's impressions in known cities, from ``city_views``."""
    ranks = range(1, KNOWN_CITIES + 1)
    views = {rank: F.coalesce(F.get(_views_in(_named(rank)), 0)["views"], F.lit(0)) for rank in ranks}
    total = sum(views.values(), F.lit(0))
    rates = {rank: smoothed_rate(views[rank], total, smoothing.city_mean, smoothing.strength) for rank in ranks}
    return {f"city_{rank}_ratio": rate for rank, rate in rates.items()}


def _named(rank: int) -> Column:
    """Name of the known city of a rank; null if fewer are known."""
    return F.get("known_cities", rank - 1)


def _views_in(city: Column) -> Column:
    return F.filter("city_views", lambda seen: seen["city"] == city)
