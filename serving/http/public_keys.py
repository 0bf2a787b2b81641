"""Public keys of an identity provider (JWKS, RFC 7517), kept fresh while they are rotated."""

import asyncio
import json
import logging
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from http.client import HTTPException
from pathlib import Path
from typing import Any
from urllib.error import URLError
from urllib.parse import urlsplit
from urllib.request import HTTPRedirectHandler, build_opener

import jwt
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey

_LOG = logging.getLogger(__name__)

ALGORITHMS = {"RSA": ("RS256", "PS256"), "EC": ("ES256",), "OKP": ("EdDSA",)}
"""Algorithms that are accepted for each type of key; the first one is that of a key that names none."""
CURVES = {"EC": "P-256", "OKP": "Ed25519"}
LEAST_RSA_BITS = 2048
MAX_BYTES = 2**20
TIMEOUT_S = 5.0
LEAST_GAP_S = 10.0
"""Keys are not fetched more often, however many tokens name a key that is not known."""
LOOPBACK = ("127.0.0.1", "localhost", "::1")


@dataclass(frozen=True, eq=False)
class KeySet:
    """Keys by ``kid``, as one fetch found them.

    Sets are compared by identity: tokens are checked again with a new set.
    """

    by_id: Mapping[str, jwt.PyJWK]


@dataclass
class PublicKeys:
    """The keys at ``source``, an ``https`` URL or a file. Raises ``ValueError`` if they cannot be read at first."""

    source: str
    refresh_s: float
    current: KeySet = field(init=False)
    _content: bytes = field(init=False, repr=False)
    _wanted: asyncio.Event = field(init=False, repr=False, default_factory=asyncio.Event)

    def __post_init__(self) -> None:
        """Read the keys once."""
        self._content = _read(self.source)
        self.current = parse(self._content, self.source)

    def want_newer(self) -> None:
        """Ask for newer keys, because a token names one that is not known."""
        self._wanted.set()

    async def keep_fresh(self) -> None:
        """Read the keys again every ``refresh_s`` seconds, and earlier on demand, until cancelled."""
        while True:
            with suppress(TimeoutError):
                await asyncio.wait_for(self._wanted.wait(), self.refresh_s)
            self._wanted.clear()
            await asyncio.to_thread(self.refresh)
            await asyncio.sleep(min(LEAST_GAP_S, self.refresh_s))

    def refresh(self) -> None:
        """Read the keys again; if that fails, keep the ones that are known and log why."""
        try:
            content = _read(self.source)
            if content != self._content:
                self.current = parse(content, self.source)
                self._content = content
                _LOG.info("%s has new keys: %s", self.source, ", ".join(self.current.by_id))
        except ValueError as error:
            _LOG.warning("the public keys are not renewed: %s", error)


def parse(content: bytes, source: str) -> KeySet:
    """The signing keys of a JWKS. Keys for encryption are skipped; a doubtful key is refused with ``ValueError``."""
    try:
        keys = json.loads(content)["keys"]
        found = [_key_of(key) for key in keys if key.get("use", "sig") == "sig"]
    except (KeyError, TypeError, AttributeError, RecursionError) as error:
        raise ValueError(f"{source} is no JWKS: {type(error).__name__}: {error}") from error
    except ValueError as error:
        raise ValueError(f"{source}: {error}") from error
    by_id = dict(found)
    if not by_id or len(by_id) < len(found):
        raise ValueError(f"{source} holds {'two keys with one kid' if by_id else 'no key for signatures'}")
    return KeySet(by_id)


def _key_of(key: dict[str, Any]) -> tuple[str, jwt.PyJWK]:
    kid, kind = key.get("kid"), key.get("kty")
    if not isinstance(kid, str) or not kid:
        raise ValueError("a key has no kid, which tokens name it by")
    allowed = ALGORITHMS.get(str(kind))
    if allowed is None:
        raise ValueError(f"key {kid} is of type {kind}; allowed are {', '.join(ALGORITHMS)}")
    if "d" in key:
        raise ValueError(f"key {kid} is private: publish the public part alone, and replace the key")
    if key.get("crv") != CURVES.get(str(kind)):
        raise ValueError(f"key {kid} is of curve {key.get('crv')}; allowed is {CURVES.get(str(kind), 'none')}")
    algorithm = key.get("alg") or allowed[0]
    if algorithm not in allowed:
        raise ValueError(f"key {kid} is for {algorithm}; allowed are {', '.join(allowed)}")
    try:
        parsed = jwt.PyJWK(key, algorithm)
    except jwt.PyJWTError as error:
        raise ValueError(f"key {kid} cannot be read: {error}") from error
    if isinstance(parsed.key, RSAPublicKey) and parsed.key.key_size < LEAST_RSA_BITS:
        raise ValueError(f"key {kid} has {parsed.key.key_size} bits; RSA needs {LEAST_RSA_BITS}")
    return kid, parsed


class _NoRedirect(HTTPRedirectHandler):
    """Another host, or plain ``http``, could be named by a redirect."""

    def redirect_request(self, *_: Any, **__: Any) -> None:
        return None


def _read(source: str) -> bytes:
    """At most ``MAX_BYTES`` of a URL or a file; ``ValueError`` says why it cannot be read."""
    url = urlsplit(source)
    if url.scheme == "http" and url.hostname not in LOOPBACK:
        raise ValueError(f"{source}: keys that come over http can be replaced on their way; use https")
    try:
        if url.scheme in ("http", "https"):
            with build_opener(_NoRedirect).open(source, timeout=TIMEOUT_S) as answer:
                content: bytes = answer.read(MAX_BYTES + 1)
        else:
            with Path(source).open("rb") as file:
                content = file.read(MAX_BYTES + 1)
    except (OSError, URLError, HTTPException) as error:
        raise ValueError(f"{source} cannot be read: {error}") from error
    if len(content) > MAX_BYTES:
        raise ValueError(f"{source} has more than {MAX_BYTES:,} bytes")
    return content
