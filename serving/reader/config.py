"""Every number of the reader, and where its secret comes from."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

MIN_SECRET_BYTES = 32


@dataclass(frozen=True)
class ReaderConfig:
    """How one reader process behaves; durations are in seconds, sizes in bytes."""

    redis_url: str
    redis_timeout_s: float = 0.05
    max_redis_connections: int = 256
    queue_timeout_s: float = 1.0
    refresh_s: float = 1.0
    blocks_refresh_s: float = 10.0
    max_blocks_per_author: int = 2_000
    max_taken_down: int = 1_000_000
    max_narrowed: int = 1_000_000
    breaker_failures: int = 5
    breaker_open_s: float = 60.0
    cursor_lifetime_s: int = 1_800
    card_cache_bytes: int = 256 * 2**20
    remembered_users: int = 10_000
    max_token_lifetime_s: int = 7 * 86_400
    token_audience: str = "feedlake"  # noqa: S105 - the audience is public


def load_secret(environment: Mapping[str, str] = os.environ, secret_file: Path | None = None) -> bytes:
    """The HS256 secret: in ``secret_file``, else ``FEEDLAKE_JWT_SECRET``, else in ``FEEDLAKE_JWT_SECRET_FILE``.

    Raises ``ValueError`` when there is none or it is shorter than the 32 bytes that HS256 asks for (RFC 7518, 3.2).
    """
    named = environment.get("FEEDLAKE_JWT_SECRET_FILE")
    if secret_file is not None:
        secret = secret_file.read_bytes().strip()
    elif environment.get("FEEDLAKE_JWT_SECRET"):
        secret = environment["FEEDLAKE_JWT_SECRET"].encode()
    elif named:
        secret = Path(named).read_bytes().strip()
    else:
        raise ValueError(
            "no secret: set FEEDLAKE_JWT_SECRET, or FEEDLAKE_JWT_SECRET_FILE to the path of a file holding it"
        )
    if len(secret) < MIN_SECRET_BYTES:
        raise ValueError(f"the JWT secret has {len(secret)} bytes; HS256 needs at least {MIN_SECRET_BYTES}")
    return secret
