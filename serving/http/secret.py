"""The secret that signs tokens, from a file or the environment."""

import os
from collections.abc import Mapping
from pathlib import Path

MIN_SECRET_BYTES = 32


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
