import base64
import time
from pathlib import Path

import jwt
import pytest
from hypothesis import given
from hypothesis import strategies as st

from serving.http.secret import load_secret
from serving.http.tokens import TokenError, authenticate, mint_token

SECRET = b"a secret for tests, longer than 32 bytes"


def bearer(**changes: object) -> str:
    claims = {"sub": "17", "aud": "feedlake", "exp": int(time.time()) + 3600} | changes
    kept = {name: value for name, value in claims.items() if value is not None}
    return "Bearer " + jwt.encode(kept, SECRET, algorithm="HS256")


@given(st.integers(-(2**63), 2**63 - 1))
def test_a_minted_token_names_its_user(user_id: int) -> None:
    assert authenticate(f"Bearer {mint_token(user_id, SECRET)}", SECRET) == user_id


@pytest.mark.parametrize(
    ("header", "reason"),
    [
        (None, "no bearer token"),
        ("Basic abc", "not 'Bearer"),
        ("Bearer ", "not 'Bearer"),
        ("Bearer abc.def.ghi", "not valid"),
        (bearer(exp=int(time.time()) - 1), "expired"),
        (bearer(exp=None), "lacks the claim exp"),
        (bearer(aud="elsewhere"), "another audience"),
        (bearer(aud=None), "lacks the claim aud"),
        (bearer(sub=None), "lacks the claim sub"),
        (bearer(sub="ada"), "not a user id"),
        (bearer(sub="-"), "not a user id"),
        (bearer(sub="9223372036854775808"), "64-bit"),
        (bearer(sub=17), "not valid"),
        (bearer(exp=int(time.time()) + 8 * 86_400), "longer than 7 days"),
        (bearer(exp=10**400), "longer than 4096 characters|not valid|longer than 7 days"),
        (bearer(exp=float("inf")), "not valid"),
        (bearer(note="x" * 4_096), "longer than 4096 characters"),
        ("Bearer " + base64.urlsafe_b64encode(b"[" * 600).decode().strip("=") + ".e30.x", "not valid"),
        ("Bearer " + mint_token(17, b"another secret that is long enough too"), "not valid"),
        ("Bearer " + jwt.encode({"sub": "17", "aud": "feedlake", "exp": 2**40}, "", algorithm="none"), "not valid"),
    ],
)
def test_everything_else_proves_nobody(header: str | None, reason: str) -> None:
    with pytest.raises(TokenError, match=reason):
        authenticate(header, SECRET)


def test_a_token_that_was_valid_expires(monkeypatch: pytest.MonkeyPatch) -> None:
    token, now = bearer(), time.time()
    assert [authenticate(token, SECRET) for _ in range(2)] == [17, 17]
    monkeypatch.setattr("time.time", lambda: now + 3601)
    with pytest.raises(TokenError, match="the token has expired"):
        authenticate(token, SECRET)


def test_a_token_that_was_valid_proves_nothing_elsewhere() -> None:
    token = bearer()
    assert authenticate(token, SECRET) == 17
    for secret, audience, lifetime_s, reason in (
        (b"another secret that is long enough too", "feedlake", 86_400, "not valid"),
        (SECRET, "elsewhere", 86_400, "another audience"),
        (SECRET, "feedlake", 60, "longer than"),
    ):
        with pytest.raises(TokenError, match=reason):
            authenticate(token, secret, audience, lifetime_s)
    forged = token[:-3] + ("AAA" if token[-3:] != "AAA" else "BBB")
    with pytest.raises(TokenError, match="not valid"):
        authenticate(forged, SECRET)


def test_the_secret_comes_from_a_file_or_the_environment(tmp_path: Path) -> None:
    file = tmp_path / "secret"
    file.write_bytes(SECRET + b"\n")
    assert load_secret({}, file) == SECRET
    assert load_secret({"FEEDLAKE_JWT_SECRET": SECRET.decode()}) == SECRET
    assert load_secret({"FEEDLAKE_JWT_SECRET_FILE": str(file)}) == SECRET
    with pytest.raises(ValueError, match="no secret"):
        load_secret({})
    with pytest.raises(ValueError, match="at least 32"):
        load_secret({"FEEDLAKE_JWT_SECRET": "short"})
