"""Bearer tokens: make and verify them."""

import time
from functools import lru_cache

import jwt

from contracts.settings.serving import PRODUCTION_AUDIENCE

_ALGORITHM = "HS256"
_INT64_MAX = 2**63 - 1
_INT64_DIGITS = 20
_MAX_CHARACTERS = 1024
"""A longer token is not parsed: one with the three claims has some 150 characters."""
_REMEMBERED_TOKENS = 10_000
_DAY_S = 86_400


class TokenError(Exception):
    """The token is not valid; its text says why and is safe to show to the caller."""


def mint_token(user_id: int, secret: bytes, audience: str = PRODUCTION_AUDIENCE, lifetime_s: int = 3600) -> str:
    """A token for ``user_id`` that expires after ``lifetime_s``."""
    claims = {"sub": str(user_id), "aud": audience, "exp": int(time.time()) + lifetime_s}
    return jwt.encode(claims, secret, algorithm=_ALGORITHM)


def authenticate(
    authorization: str | None, secret: bytes, audience: str = PRODUCTION_AUDIENCE, max_lifetime_s: int = 7 * _DAY_S
) -> int:
    """The user id behind an ``Authorization`` header; raises ``TokenError`` when it proves none."""
    if not authorization:
        raise TokenError("no bearer token")
    scheme, _, token = authorization.partition(" ")
    if scheme.lower() != "bearer" or not token:
        raise TokenError("the Authorization header is not 'Bearer <token>'")
    if len(token) > _MAX_CHARACTERS:
        raise TokenError(f"the token is longer than {_MAX_CHARACTERS} characters")
    subject, expires_at = _verified(token.strip(), secret, audience)
    now = time.time()
    if expires_at <= now:
        raise TokenError("the token has expired")
    if expires_at > now + max_lifetime_s:
        raise TokenError(f"the token is good for longer than {max_lifetime_s / _DAY_S:g} days")
    return _user_id(subject)


@lru_cache(_REMEMBERED_TOKENS)
def _verified(token: str, secret: bytes, audience: str) -> tuple[str, int]:
    """Subject and expiry of a token that is valid now; raises ``TokenError``.

    A token comes with every page its user asks for. Only valid ones are remembered, and what time changes is not.
    """
    try:
        claims = jwt.decode(
            token,
            secret,
            algorithms=[_ALGORITHM],
            audience=audience,
            options={"require": ["exp", "sub", "aud"]},
        )
    except jwt.ExpiredSignatureError:
        raise TokenError("the token has expired") from None
    except jwt.InvalidAudienceError:
        raise TokenError("the token is meant for another audience") from None
    except jwt.MissingRequiredClaimError as error:
        raise TokenError(f"the token lacks the claim {error.claim}") from None
    except (jwt.InvalidTokenError, RecursionError, OverflowError, TypeError, ValueError):
        # The last four come from a header or claims that are JSON, but nothing that a token holds.
        raise TokenError("the token is not valid") from None
    return claims["sub"], int(claims["exp"])


def _user_id(subject: str) -> int:
    digits = subject.removeprefix("-")
    if not digits.isascii() or not digits.isdigit() or len(subject) > _INT64_DIGITS:
        raise TokenError("the token's sub is not a user id")
    user_id = int(subject)
    if not -_INT64_MAX - 1 <= user_id <= _INT64_MAX:
        raise TokenError("the token's sub is not a 64-bit user id")
    return user_id
