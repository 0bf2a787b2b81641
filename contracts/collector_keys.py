"""Every key in the collector's Redis: the stream of events, and counts per user.

This Redis is not the reader's (``contracts/redis_keys.py``). It holds events that are stored nowhere else, so it syncs
its append-only file before it answers and never evicts a key. ``contracts/redis_page.py`` documents both.
"""

from dataclasses import dataclass

STREAM = "collected"
DRAINING = "draining"
LINE_FIELD = b"line"
"""The only field of a stream entry: a landing line without its line end."""
MINUTE_S = 60
DAY_S = 86_400
KEPT_WINDOWS = 2
"""A user's key lives for as many of its windows after it is written: the window, and the one after it."""


@dataclass(frozen=True)
class WindowKey:
    """One kind of key per user and window of time; windows are numbered since 1970.

    A window has ``window_s`` seconds, or ``collector.retry_window_s`` if that is None.
    """

    name: str
    holds: str
    window: str
    window_s: int | None = None

    def key(self, user_id: int, window: int) -> str:
        """The key of one user and window."""
        return f"{self.name}:{{u{user_id}}}:{window}"

    def ttl_s(self, retry_window_s: int) -> int:
        """Seconds until a key that is written now expires."""
        return KEPT_WINDOWS * (self.window_s or retry_window_s)


TAKEN = WindowKey("taken", "set of event ids, to know a retry", "window")
RATE = WindowKey("rate", "number of events of that minute", "minute", MINUTE_S)
POSTED = WindowKey("posted", "set of posts made on that day", "day", DAY_S)
WINDOW_KEYS = (TAKEN, RATE, POSTED)


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
    *(
        CollectorKey(f"{key.name}:{{u<user>}}:<{key.window}>", key.holds, "collector", f"{KEPT_WINDOWS} {key.window}s")
        for key in WINDOW_KEYS
    ),
)
