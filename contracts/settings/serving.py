"""How the feed reader behaves. No job reads these, so they are no part of a night's hash."""

from dataclasses import dataclass
from typing import Annotated

from contracts.settings.kinds import Bounds, Count, CountOrNone, Milliseconds, Seconds, SomeSeconds


@dataclass(frozen=True)
class ReaderRules:
    """One reader process: durations are in seconds, sizes in bytes (``docs/serving.md``)."""

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
    token_audience: str = "feedlake"  # noqa: S105 - the audience is public


@dataclass(frozen=True)
class ReaderLimits:
    """What one connection to the reader may cost: ``header_bytes`` hold the request line too."""

    connections: Annotated[int, Bounds(1, 100_000)] = 512
    internal_connections: Annotated[int, Bounds(1, 100_000)] = 16
    header_bytes: Annotated[int, Bounds(8_192, 2**20)] = 16_384
    header_timeout_ms: Milliseconds = 5_000
    backlog: Annotated[int, Bounds(1, 65_535)] = 1_024
