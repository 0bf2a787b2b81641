"""Bearer tokens: make and verify them."""

import time
from functools import lru_cache
from typing import Any

import jwt

from contracts.settings.serving import PRODUCTION_AUDIENCE
from serving.http.public_keys import KeySet, PublicKeys

_ALGORITHM = "HS256"
_INT64_MAX = 2**63 - 1
_INT64_DIGITS = 20
_MAX_CHARACTERS = 4096
"""A longer token is not parsed: one with the three claims has some 150 characters, or 500 signed by RSA."""
_REMEMBERED_TOKENS = 10_000
_DAY_S = 86_400


class TokenError(Exception):
    """The token is not valid; its text says why and is safe to show to the caller."""


class UnknownKeyError(TokenError):
    """The token names a key that is not known."""


def mint_token(user_id: int, secret: bytes, audience: str = PRODUCTION_AUDIENCE, lifetime_s: int = 3600) -> str:
    """A token for ``user_id`` that expires after ``lifetime_s``."""
    claims = {"sub": str(user_id), "aud": audience, "exp": int(time.time()) + lifetime_s}
    return jwt.encode(claims, secret, algorithm=_ALGORITHM)


def authenticate(
    authorization: str | None,
    secret: bytes,
    audience: str = PRODUCTION_AUDIENCE,
    max_lifetime_s: int = 7 * _DAY_S,
    keys: PublicKeys | None = None,
) -> int:
    """The user id behind an ``Authorization`` header; raises ``TokenError`` when it proves none.

    A token is signed by the secret or by one of the keys. One that names an unknown key makes the keys be read again.
    """
    if not authorization:
        raise TokenError("no bearer token")
    scheme, _, token = authorization.partition(" ")
    if scheme.lower() != "bearer" or not token:
        raise TokenError("the Authorization header is not 'Bearer <token>'")
    if len(token) > _MAX_CHARACTERS:
        raise TokenError(f"the token is longer than {_MAX_CHARACTERS} characters")
    try:
        subject, expires_at = _verified(token.strip(), secret, audience, keys.current if keys else None)
    except UnknownKeyError:
        assert keys is not None, "without keys none is looked for"
        keys.want_newer()
        raise
    now = time.time()
    if expires_at <= now:
        raise TokenError("the token has expired")
    if expires_at > now + max_lifetime_s:
        raise TokenError(f"the token is good for longer than {max_lifetime_s / _DAY_S:g} days")
    return _user_id(subject)


@lru_cache(_REMEMBERED_TOKENS)
def _verified(token: str, secret: bytes, audience: str, keys: KeySet | None) -> tuple[str, int]:
    """Subject and expiry of a token that is valid now; raises ``TokenError``.

    A token comes with every page its user asks for. Only valid tokens are remembered, and their expiry is checked every
    time.
    """
    try:
        key, algorithm = _key_of(token, secret, keys)
        claims = jwt.decode(
            token,
            key,
            algorithms=[algorithm],
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


def _key_of(token: str, secret: bytes, keys: KeySet | None) -> tuple[Any, str]:
    """The key and algorithm that must have signed the token. A public key is never used as a secret."""
    header = jwt.get_unverified_header(token)
    if keys is None or header.get("alg") == _ALGORITHM:
        return secret, _ALGORITHM
    key = keys.by_id.get(header.get("kid", ""))
    if key is None:
        raise UnknownKeyError("the token's key is not known")
    return key.key, str(key.algorithm_name)


def _user_id(subject: str) -> int:
    digits = subject.removeprefix("-")
    if not digits.isascii() or not digits.isdigit() or len(subject) > _INT64_DIGITS:
        raise TokenError("the token's sub is not a user id")
    user_id = int(subject)
    if not -_INT64_MAX - 1 <= user_id <= _INT64_MAX:
        raise TokenError("the token's sub is not a 64-bit user id")
    return user_id
