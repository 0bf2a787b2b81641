"""Times of the landing contract: ISO 8601 in the years 1970 to 2099, in UTC where no offset is given."""

import re
from datetime import UTC, date, datetime

import numpy as np
from numpy.typing import NDArray

from contracts.landing import MAX_CLOCK_SKEW_S

PATTERN = (
    r"(19[7-9][0-9]|20[0-9][0-9])-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])"
    r"T([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9](\.[0-9]{1,9})?"
    r"(Z|[+-](0[0-9]|1[0-7]):[0-5][0-9]|[+-]18:00)?"
)
"""The form of a time; it admits the 31st of a shorter month."""
_WHOLE = re.compile(PATTERN)
DAY_US = 86_400 * 1_000_000
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def is_time(text: str) -> bool:
    """Whether the text is a time on a day that exists."""
    if _WHOLE.fullmatch(text) is None:
        return False
    try:
        date.fromisoformat(text[:10])
    except ValueError:
        return False
    return True


def micros_of(text: str) -> int:
    """Microseconds since 1970 of a text that ``is_time``; finer digits are cut off."""
    moment = datetime.fromisoformat(text)
    since = (moment if moment.tzinfo else moment.replace(tzinfo=UTC)) - _EPOCH
    return (since.days * 86_400 + since.seconds) * 1_000_000 + since.microseconds


Micros = NDArray[np.int64]
Flags = NDArray[np.bool_]


def is_ahead(happened: Micros, received: Micros) -> Flags:
    """Whether each event, in microseconds since 1970, claims to happen too long after it was received."""
    return happened - received > MAX_CLOCK_SKEW_S * 1_000_000


def is_late(happened: Micros, received: Micros, late_days: int) -> Flags:
    """Whether each event was received more than ``late_days`` days after it happened, which ``TIMED_TYPES`` forbid."""
    return received - happened > late_days * DAY_US


def too_far_ahead(event_time: str, received_at: str) -> str:
    """The detail for an event that ``is_ahead``, with both times as in its line."""
    return f"event_time={event_time}, must be at most {MAX_CLOCK_SKEW_S} s after received_at={received_at}"


def too_late(event_time: str, received_at: str, late_days: int) -> str:
    """The detail for an event that ``is_late``, with both times as in its line."""
    return f"event_time={event_time}, must be at most {late_days} days before received_at={received_at}"
