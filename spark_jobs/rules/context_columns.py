"""The context features of an instant, of a session and of a day, for training examples and nightly scoring."""

import math
from datetime import date

from pyspark.sql import Column
from pyspark.sql import functions as F

from contracts.landing import CONNECTIONS
from spark_jobs.rules.post_columns import on_weekend
from spark_jobs.rules.rates import log_count

DEVICES = ("phone", "tablet", "desktop")
"""Known devices; any other device is treated as missing."""
MOBILE_DEVICES = ("phone", "tablet")
DAY_PARTS = {"morning": (6, 12), "afternoon": (12, 18), "evening": (18, 24)}
"""First hour (inclusive) and last hour (exclusive) of each part of the day, UTC."""

SATURDAY = 5
_TURN = 2 * math.pi


def known_device() -> Column:
    """``device`` if it is one of ``DEVICES``, else null."""
    return F.when(F.col("device").isin(*DEVICES), F.col("device"))


def known_connection() -> Column:
    """``connection`` if the landing contract has it, else null."""
    return F.when(F.col("connection").isin(*CONNECTIONS), F.col("connection"))


def on_mobile() -> Column:
    """Whether ``device`` is a phone or a tablet; null if it is unknown."""
    return known_device().isin(*MOBILE_DEVICES)


def in_hours(instant: Column, part: str) -> Column:
    """Whether an instant is in a part of the day."""
    first, end = DAY_PARTS[part]
    return F.hour(instant).between(first, end - 1)


def instant_columns(instant: Column) -> dict[str, Column]:
    """Context features that depend on the instant alone."""
    angle = F.hour(instant) * F.lit(_TURN / 24)
    day_angle = F.weekday(instant) * F.lit(_TURN / 7)
    return {
        "hour_sin": F.sin(angle),
        "hour_cos": F.cos(angle),
        **{f"is_{part}": in_hours(instant, part).cast("double") for part in DAY_PARTS},
        "weekday_sin": F.sin(day_angle),
        "weekday_cos": F.cos(day_angle),
        "is_weekend": on_weekend(instant),
    }


def day_context(day: date) -> dict[str, float]:
    """Context features that depend on the day alone: ``instant_columns`` at any instant of the day."""
    angle = day.weekday() * _TURN / 7
    return {
        "weekday_sin": math.sin(angle),
        "weekday_cos": math.cos(angle),
        "is_weekend": float(day.weekday() >= SATURDAY),
    }


def session_columns() -> dict[str, Column]:
    """Context features of a logged impression; each is null if its value is missing or unknown.

    Reads device, connection and the visible state of the session: num_session_views and session_micros, the time since
    its first impression. City features are in ``location_columns.in_cities``: known cities depend on the night.
    """
    device, connection, views = known_device(), known_connection(), F.col("num_session_views")
    columns = {
        "is_mobile": on_mobile(),
        "is_tablet": device == "tablet",
        "is_desktop": device == "desktop",
        "is_wifi": connection == "wifi",
        "is_cellular": connection == "cellular",
        "session_views": log_count(views),
        "session_minutes": F.log1p(F.col("session_micros") / F.lit(60e6)),
        "is_new_session": views == 0,
    }
    return {name: column.cast("double") for name, column in columns.items()}
