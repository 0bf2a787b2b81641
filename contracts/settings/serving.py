"""Settings of the services. No job of a night reads them, so a night's hash leaves them out."""

from dataclasses import dataclass
from typing import Annotated

from contracts.settings.kinds import (
    Bounds,
    Count,
    CountOrNone,
    Days,
    Milliseconds,
    OneOf,
    Seconds,
    Share,
    SomeSeconds,
)

PRODUCTION_AUDIENCE = "feedlake"
"""Audience of tokens of a production service. A reader in demo mode, which gives tokens away, has another one."""


@dataclass(frozen=True)
class ReaderRules:
    """One reader process: durations are in seconds, sizes in bytes (``docs/serving.md``).

    In ``mode`` demo it shows a page and gives tokens to anyone (``docs/page.md``). The public keys that sign tokens are
    read again every ``keys_refresh_s``. Pages of ``replay_share`` of the users are recorded for a replay, for
    ``replay_days``, up to ``replay_mb`` a day (``docs/replay.md``).
    """

    mode: Annotated[str, OneOf(("production", "demo"))] = "production"
    redis_timeout_s: SomeSeconds = 0.05
    max_redis_connections: Annotated[int, Bounds(1, 100_000)] = 256
    queue_timeout_s: Seconds = 1.0
    refresh_s: SomeSeconds = 1.0
    blocks_refresh_s: SomeSeconds = 10.0
    max_blocks_per_author: CountOrNone = 2_000
    max_taken_down: Count = 1_000_000
    max_narrowed: Count = 1_000_000
    breaker_failures: Count = 5
    breaker_open_s: Seconds = 60.0
    cursor_lifetime_s: Annotated[int, Bounds(1, 30 * 86_400)] = 1_800
    card_cache_bytes: Annotated[int, Bounds(0, 2**40)] = 256 * 2**20
    remembered_users: CountOrNone = 10_000
    max_token_lifetime_s: Annotated[int, Bounds(1, 365 * 86_400)] = 7 * 86_400
    token_audience: str = PRODUCTION_AUDIENCE
    keys_refresh_s: SomeSeconds = 300.0
    replay_share: Share = 0.0
    replay_days: Days = 7
    replay_mb: Annotated[int, Bounds(1, 1_000_000)] = 256


@dataclass(frozen=True)
class ReaderLimits:
    """Limits of one connection to the reader or the collector; ``header_bytes`` includes the request line."""

    connections: Annotated[int, Bounds(1, 100_000)] = 512
    internal_connections: Annotated[int, Bounds(1, 100_000)] = 16
    header_bytes: Annotated[int, Bounds(8_192, 2**20)] = 16_384
    header_timeout_ms: Milliseconds = 5_000
    backlog: Annotated[int, Bounds(1, 65_535)] = 1_024


@dataclass(frozen=True)
class PageRules:
    """The page of a reader in demo mode: how many users it offers, and how long its tokens are valid."""

    users: Annotated[int, Bounds(1, 1_000)] = 24
    token_lifetime_s: Annotated[int, Bounds(1, 3_600)] = 600
    collector_timeout_s: SomeSeconds = 5.0


@dataclass(frozen=True)
class CollectorRules:
    """One collector process: limits of a request, and of what one user may send (``docs/collector.md``).

    A retried event is recognised for at least ``retry_window_s``. ``serving_timeout_s`` applies to the Redis that feeds
    are read from.
    """

    redis_timeout_s: SomeSeconds = 1.0
    max_redis_connections: Annotated[int, Bounds(1, 100_000)] = 64
    queue_timeout_s: Seconds = 0.5
    serving_timeout_s: SomeSeconds = 0.05
    retry_after_s: Annotated[int, Bounds(1, 3_600)] = 2
    body_bytes: Annotated[int, Bounds(1_024, 2**30)] = 384 * 2**10
    body_timeout_s: SomeSeconds = 10.0
    batch_events: Annotated[int, Bounds(1, 10_000)] = 200
    event_id_characters: Annotated[int, Bounds(32, 1_024)] = 128
    events_per_minute: Count = 600
    posts_per_day: Count = 100
    retry_window_s: Annotated[int, Bounds(60, 86_400)] = 900


@dataclass(frozen=True)
class DrainRules:
    """The drain: every ``every_s`` it writes files of at most ``file_events`` events, or about ``file_bytes``."""

    every_s: SomeSeconds = 30.0
    file_events: Annotated[int, Bounds(1, 1_000_000)] = 10_000
    file_bytes: Annotated[int, Bounds(1, 2**30)] = 32 * 2**20
    redis_timeout_s: SomeSeconds = 10.0
