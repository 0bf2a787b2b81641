"""Every key in the collector's Redis: the stream of events, and counts per user.

This Redis is not the reader's (``contracts/redis_keys.py``). It holds events that are stored nowhere else, so it syncs
its append-only file before it answers and never evicts a key. ``contracts/redis_page.py`` documents both.
"""

from dataclasses import dataclass

STREAM = "collected"
DRAINING = "draining"
LINE_FIELD = b"line"
"""The only field of a stream entry: a landing line without its line end."""
DAY_S = 86_400


@dataclass(frozen=True)
class CollectorKey:
    """One kind of key, for the docs page."""

    spelling: str
    holds: str
    written_by: str
    lives_for: str


COLLECTOR_KEYS = (
    CollectorKey(STREAM, "stream of accepted events, each a landing line", "collector", "until drained"),
    CollectorKey(DRAINING, "id of the last entry of the files being written", "drain", "one batch"),
    CollectorKey("taken:{u<user>}:<window>", "set of event ids, to know a retry", "collector", "2 windows"),
    CollectorKey("rate:{u<user>}:<minute>", "number of events of that minute", "collector", "2 min"),
    CollectorKey("posted:{u<user>}:<day>", "set of posts made on that day", "collector", "2 d"),
)


def taken_key(user_id: int, window: int) -> str:
    """Key of a user's event ids in one window of ``collector.retry_window_s``."""
    return f"taken:{{u{user_id}}}:{window}"


def rate_key(user_id: int, minute: int) -> str:
    """Key of the number of a user's events in one minute since 1970."""
    return f"rate:{{u{user_id}}}:{minute}"


def posted_key(user_id: int, day: int) -> str:
    """Key of the posts that a user made on one day since 1970."""
    return f"posted:{{u{user_id}}}:{day}"
