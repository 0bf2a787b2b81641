"""The point-in-time rules: what a run may see at an instant, and in a daily snapshot.

There are two rules. *Which events count* at the instant t (``visible_micros``): those that happened before t and were
received by t. All counters, rates, verdicts and edits use it. *Which things exist* at t (``existing_micros``): those
that were made and received by t. They differ at t itself: a source whose clock counts seconds or days often logs an
engagement at the very instant of the post's creation, and then the post must exist.

A daily snapshot of ``ds`` is taken at midnight at the end of ``ds``, so it sees the events whose ``seen_day`` is ``ds``
or earlier: those ``known_before`` that midnight.
"""

from collections.abc import Sequence
from datetime import date, datetime

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F


def visible_micros(event_time: str, received_at: str) -> Column:
    """First instant at which an event is visible, in microseconds since 1970.

    ``event_time < t AND received_at <= t`` holds exactly when this is at most t, as timestamps count microseconds.
    """
    return F.greatest(F.unix_micros(F.col(event_time)) + F.lit(1), F.unix_micros(F.col(received_at)))


def existing_micros(event_time: str, received_at: str) -> Column:
    """First instant at which a thing exists for a run, in microseconds since 1970.

    ``event_time <= t AND received_at <= t`` holds exactly when this is at most t. This is for the first version of a
    post only; later versions and all counts are events, see ``visible_micros``.
    """
    return F.greatest(F.unix_micros(F.col(event_time)), F.unix_micros(F.col(received_at)))


def known_before(instant: datetime | Column, event_time: str, received_at: str = "received_at") -> Column:
    """Whether an event happened and was received before ``instant``; null if a time is null.

    A night, a snapshot and a training window end at a midnight that belongs to the next day, so an event received at
    that very instant belongs to the next day; see ``seen_day``.
    """
    until = instant if isinstance(instant, Column) else F.lit(instant)
    return (F.col(event_time) < until) & (F.col(received_at) < until)


def seen_day(event_time: str, received_at: str) -> Column:
    """First day whose snapshot sees an event: the later of the day it happened and the day it was received."""
    return F.greatest(F.to_date(F.col(event_time)), F.to_date(F.col(received_at)))


def snapshot_day(instant: str) -> Column:
    """Day of the newest snapshot taken at or before an instant."""
    return F.date_sub(F.to_date(F.col(instant)), 1)


def on_days(frame: DataFrame, days: Sequence[date]) -> DataFrame:
    """Repeat each row for every one of ``days`` in [``from_day``, ``until_day``), named ``ds``.

    A null ``until_day`` never ends. Both columns are dropped; a row that covers none of the days disappears.
    """
    listed = F.array(*(F.lit(day) for day in days))
    holds = F.filter(
        listed,
        lambda day: (day >= F.col("from_day")) & (F.col("until_day").isNull() | (day < F.col("until_day"))),
    )
    return frame.withColumn("ds", F.explode(holds)).drop("from_day", "until_day")
