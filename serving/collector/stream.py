"""The stream of events: one round trip per request, which is answered once the events are on disk."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from redis.exceptions import InvalidResponse, RedisError

from contracts.collector_keys import DAY_S, LINE_FIELD, MINUTE_S, POSTED, RATE, STREAM, TAKEN, WINDOW_KEYS
from serving.collector.config import CollectorConfig
from serving.collector.events import Event
from storage.redis_clients import open_async_client

_SCRIPT = (Path(__file__).parent / "append.lua").read_text()
NEEDED = {"appendonly": "yes", "appendfsync": "always", "maxmemory-policy": "noeviction"}
"""Required settings of Redis: only with these is an acknowledged event safe on disk."""
_FAILURES = (RedisError, InvalidResponse, OSError, TimeoutError, AttributeError, IndexError, KeyError, ValueError)
"""The Redis client raises the last four when it cannot parse a reply."""


class StreamUnavailableError(Exception):
    """The events may not be in the stream; the text says why."""


class TooManyError(Exception):
    """The user has reached a limit and may send again after ``wait_s``."""

    def __init__(self, what: str, wait_s: int) -> None:
        super().__init__(what)
        self.wait_s = wait_s


class EventStream:
    """Appends events; counters beside the stream recognise retries and limit users."""

    def __init__(self, config: CollectorConfig, clock: Callable[[], float]) -> None:
        self._config = config
        self._clock = clock
        self._redis = open_async_client(
            config.redis_url,
            timeout_s=config.redis_timeout_s,
            max_connections=config.max_redis_connections,
            queue_timeout_s=config.queue_timeout_s,
        )
        self._script: str | None = None

    async def close(self) -> None:
        """Close every connection."""
        await self._redis.aclose()

    async def append(self, events: Sequence[Event], user_id: int, post_id: int | None = None) -> int:
        """Put the events of one request into the stream, all or none; returns how many are new.

        One that was sent before within ``retry_window_s`` is in the stream already. ``post_id`` is that of the post
        that the one event makes. Raises ``TooManyError`` and ``StreamUnavailableError``.
        """
        config, now = self._config, int(self._clock())
        window = now // config.retry_window_s
        keys = [STREAM, TAKEN.key(user_id, window), TAKEN.key(user_id, window - 1)]
        keys += [RATE.key(user_id, now // MINUTE_S), POSTED.key(user_id, now // DAY_S)]
        words: list[Any] = [LINE_FIELD, *(key.ttl_s(config.retry_window_s) for key in WINDOW_KEYS)]
        words += [config.events_per_minute, config.posts_per_day, "" if post_id is None else post_id]
        for event in events:
            words += (event.event_id, event.line)
        try:
            script = self._script or await self._prepare()
            what, count = await self._redis.evalsha(script, len(keys), *keys, *words)
        except _FAILURES as error:
            self._script = None
            raise StreamUnavailableError(f"{type(error).__name__}: {error}") from error
        if what == b"events":
            raise TooManyError(f"at most {config.events_per_minute} events a minute", MINUTE_S - now % MINUTE_S)
        if what == b"posts":
            raise TooManyError(f"at most {config.posts_per_day} posts a day", DAY_S - now % DAY_S)
        return int(count)

    async def check(self) -> int:
        """The number of entries that wait for the drain; raises ``StreamUnavailableError`` where none can be added."""
        try:
            await self._prepare()
            return int(await self._redis.xlen(STREAM))
        except _FAILURES as error:
            self._script = None
            raise StreamUnavailableError(f"{type(error).__name__}: {error}") from error

    async def _prepare(self) -> str:
        """Load the script into a Redis that is set up to keep what it acknowledges."""
        found = await self._redis.config_get(*NEEDED)
        for name, needed in NEEDED.items():
            if found.get(name, found.get(name.encode())) not in (needed, needed.encode()):
                raise StreamUnavailableError(f"the stream's Redis does not keep what it takes: set {name} {needed}")
        loaded = await self._redis.script_load(_SCRIPT)
        self._script = loaded.decode() if isinstance(loaded, bytes) else str(loaded)
        return self._script
