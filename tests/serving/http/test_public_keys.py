"""Tokens that an identity provider's keys sign, and what is refused of keys and tokens."""

import asyncio
import base64
import hmac
import json
import threading
import time
from collections.abc import Iterator
from contextlib import asynccontextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from itertools import pairwise
from pathlib import Path
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from fastapi import FastAPI, Request
from fastapi.testclient import TestClient

from serving.http import public_keys
from serving.http.auth import TokenRules, asking_user
from serving.http.metrics import HttpMetrics
from serving.http.public_keys import PublicKeys, parse
from serving.http.shell import create_shell
from serving.http.tokens import TokenError, authenticate, mint_token

SECRET = b"a secret for tests, longer than 32 bytes"
CLAIMS = {"sub": "17", "aud": "feedlake", "exp": int(time.time()) + 3600, "iss": "https://login.example"}
RSA, WEAK, NEXT = (rsa.generate_private_key(65537, bits) for bits in (2048, 1024, 2048))
CURVE, OTHER_CURVE, EDWARDS = (
    ec.generate_private_key(ec.SECP256R1()),
    ec.generate_private_key(ec.SECP384R1()),
    ed25519.Ed25519PrivateKey.generate(),
)
MAKERS: dict[str, Any] = {
    "RS256": jwt.algorithms.RSAAlgorithm,
    "PS256": jwt.algorithms.RSAPSSAlgorithm,
    "ES256": jwt.algorithms.ECAlgorithm,
    "EdDSA": jwt.algorithms.OKPAlgorithm,
}


def public(private: Any, algorithm: str, kid: str, **more: Any) -> dict[str, Any]:
    """The public part of a key as a JWK."""
    return {**json.loads(MAKERS[algorithm].to_jwk(private.public_key())), "kid": kid, **more}


def token(private: Any, algorithm: str, kid: str | None) -> str:
    return "Bearer " + jwt.encode(CLAIMS, private, algorithm, {"kid": kid} if kid else None)


def jwks(*keys: dict[str, Any]) -> bytes:
    return json.dumps({"keys": keys}).encode()


GOOD = (
    public(RSA, "RS256", "one"),
    public(RSA, "RS256", "two", alg="PS256", use="sig"),
    public(CURVE, "ES256", "three"),
    public(EDWARDS, "EdDSA", "four"),
    public(RSA, "RS256", "five", use="enc"),
)


@pytest.fixture
def source(tmp_path: Path) -> Path:
    path = tmp_path / "keys.json"
    path.write_bytes(jwks(*GOOD))
    return path


@pytest.fixture
def keys(source: Path) -> PublicKeys:
    return PublicKeys(str(source), refresh_s=60)


def user_of(header: str, keys: PublicKeys | None) -> int:
    return authenticate(header, SECRET, keys=keys)


def test_every_kind_of_key_signs_tokens_beside_the_secret(keys: PublicKeys) -> None:
    signed = [token(RSA, "RS256", "one"), token(RSA, "PS256", "two")]
    signed += [token(CURVE, "ES256", "three"), token(EDWARDS, "EdDSA", "four")]
    assert [user_of(one, keys) for one in (*signed, f"Bearer {mint_token(17, SECRET)}")] == [17] * 5
    for one in signed:
        with pytest.raises(TokenError, match="the token is not valid"):
            user_of(one, None)


def signed_by_a_public_key(kid: str) -> str:
    """A token that takes a public key, which everybody knows, for the secret."""
    pem = RSA.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    head, body, _ = jwt.encode(CLAIMS, SECRET, "HS256", {"kid": kid}).split(".")
    signature = hmac.digest(pem, f"{head}.{body}".encode(), "sha256")
    return f"Bearer {head}.{body}.{base64.urlsafe_b64encode(signature).decode().rstrip('=')}"


@pytest.mark.parametrize(
    ("header", "reason"),
    [
        (token(RSA, "RS256", "six"), "key is not known"),
        (token(RSA, "RS256", None), "key is not known"),
        (token(RSA, "RS256", "five"), "key is not known"),
        (token(NEXT, "RS256", "one"), "not valid"),
        (token(RSA, "PS256", "one"), "not valid"),
        (token(RSA, "RS256", "two"), "not valid"),
        (token(CURVE, "ES256", "four"), "not valid"),
        ("Bearer " + jwt.encode(CLAIMS, "", "none", {"kid": "one"}), "not valid"),
        (signed_by_a_public_key("one"), "not valid"),
    ],
)
def test_another_key_or_algorithm_proves_nobody(keys: PublicKeys, header: str, reason: str) -> None:
    with pytest.raises(TokenError, match=reason):
        user_of(header, keys)


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "Expecting value"),
        (b"[]", "no JWKS"),
        (b'{"keys": 5}', "no JWKS"),
        (b'{"keys": [5]}', "no JWKS"),
        (b"[" * 100_000, "no JWKS"),
        (b"\xff", "codec can't decode"),
        (jwks(), "no key for signatures"),
        (jwks(public(RSA, "RS256", "one", use="enc")), "no key for signatures"),
        (jwks(GOOD[0], public(NEXT, "RS256", "one")), "two keys with one kid"),
        (jwks(public(RSA, "RS256", "")), "a key has no kid"),
        (jwks({"kty": "oct", "k": "c2VjcmV0", "kid": "one"}), "key one is of type oct"),
        (jwks(public(WEAK, "RS256", "weak")), "key weak has 1024 bits"),
        (jwks(public(OTHER_CURVE, "ES256", "big")), "key big is of curve P-384; allowed is P-256"),
        (jwks(public(RSA, "RS256", "one", alg="HS256")), "key one is for HS256"),
        (jwks(public(RSA, "RS256", "one", d="AQAB")), "key one is private"),
        (jwks({"kty": "RSA", "kid": "one"}), "key one cannot be read"),
    ],
)
def test_doubtful_keys_are_refused(content: bytes, reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        parse(content, "keys.json")


def test_a_source_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    big = tmp_path / "big.json"
    big.write_bytes(b" " * (public_keys.MAX_BYTES + 1))
    for source, reason in (
        (str(tmp_path / "none.json"), "none.json cannot be read"),
        (str(tmp_path), "cannot be read"),
        (str(big), "more than 1,048,576 bytes"),
        ("http://login.example/keys", "use https"),
        ("https://127.0.0.1:9/keys", "https://127.0.0.1:9/keys cannot be read"),
    ):
        with pytest.raises(ValueError, match=reason):
            PublicKeys(source, 60)


def test_rotated_keys_count_and_removed_ones_no_longer(source: Path, keys: PublicKeys) -> None:
    old, new = token(RSA, "RS256", "one"), token(NEXT, "RS256", "next")
    assert user_of(old, keys) == 17  # and is remembered
    source.write_bytes(jwks(public(NEXT, "RS256", "next")))
    keys.refresh()
    assert user_of(new, keys) == 17
    with pytest.raises(TokenError, match="key is not known"):
        user_of(old, keys)


@pytest.mark.parametrize("content", [b"{", jwks(), None])
def test_keys_that_cannot_be_read_again_stay(
    source: Path, keys: PublicKeys, content: bytes | None, caplog: pytest.LogCaptureFixture
) -> None:
    before = keys.current
    source.unlink() if content is None else source.write_bytes(content)
    keys.refresh()
    assert keys.current is before
    assert "the public keys are not renewed" in caplog.text
    source.write_bytes(jwks(*GOOD))
    keys.refresh()
    assert keys.current is before, "the same keys: nothing that was proven is forgotten"


def test_an_unknown_key_is_looked_for_at_once_but_not_again_and_again(
    monkeypatch: pytest.MonkeyPatch, keys: PublicKeys
) -> None:
    reads: list[float] = []
    monkeypatch.setattr(keys, "refresh", lambda: reads.append(time.monotonic()))
    monkeypatch.setattr(public_keys, "LEAST_GAP_S", 0.3)

    async def ask() -> None:
        renewing = asyncio.create_task(keys.keep_fresh())
        end = time.monotonic() + 0.75
        while time.monotonic() < end:
            with pytest.raises(TokenError):
                user_of(token(RSA, "RS256", "six"), keys)
            await asyncio.sleep(0.005)
        renewing.cancel()

    asyncio.run(ask())
    assert 2 <= len(reads) <= 3
    assert all(later - earlier >= 0.3 for earlier, later in pairwise(reads))


@pytest.fixture
def provider() -> Iterator[tuple[str, dict[str, tuple[int, dict[str, str], bytes]]]]:
    """An HTTP server on this machine; answers by path."""
    answers: dict[str, tuple[int, dict[str, str], bytes]] = {}

    class Provider(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            status, headers, body = answers[self.path]
            self.send_response(status)
            for name, value in {**headers, "Content-Length": str(len(body))}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: Any) -> None:
            pass

    server = HTTPServer(("127.0.0.1", 0), Provider)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}", answers
    server.shutdown()
    server.server_close()


def test_keys_come_from_a_url_and_never_through_a_redirect(
    provider: tuple[str, dict[str, tuple[int, dict[str, str], bytes]]],
) -> None:
    url, answers = provider
    answers["/keys"] = (200, {}, jwks(*GOOD))
    answers |= {"/elsewhere": (302, {"Location": "/keys"}, b""), "/gone": (404, {}, b"")}
    assert user_of(token(CURVE, "ES256", "three"), PublicKeys(f"{url}/keys", 60)) == 17
    for path, reason in (("/elsewhere", "302"), ("/gone", "404")):
        with pytest.raises(ValueError, match=reason):
            PublicKeys(url + path, 60)


def test_a_service_takes_a_rotated_key_while_it_runs(
    monkeypatch: pytest.MonkeyPatch, source: Path, keys: PublicKeys
) -> None:
    monkeypatch.setattr(public_keys, "LEAST_GAP_S", 0.05)

    @asynccontextmanager
    async def lifespan(_app: FastAPI) -> Any:
        yield

    rules = TokenRules(SECRET, "feedlake", 86_400, keys)
    app = create_shell("service", lifespan, rules, HttpMetrics(), lambda _: None)

    def whoami(request: Request) -> int:
        try:
            return asking_user(request)
        except TokenError:
            return -1

    app.add_api_route("/whoami", whoami)
    with TestClient(app) as client:
        old, new = ({"Authorization": token(RSA, "RS256", "one")}, {"Authorization": token(NEXT, "RS256", "next")})
        assert [client.get("/whoami", headers=headers).json() for headers in (old, new)] == [17, -1]
        source.write_bytes(jwks(public(NEXT, "RS256", "next")))
        client.get("/whoami", headers=new)
        end = time.monotonic() + 5
        while client.get("/whoami", headers=new).json() == -1 and time.monotonic() < end:
            time.sleep(0.02)
        assert [client.get("/whoami", headers=headers).json() for headers in (old, new)] == [-1, 17]
