"""Authentication: the user of a request's bearer token, and the answer to an invalid one."""

from dataclasses import dataclass
from http import HTTPStatus

from fastapi import Request, Response
from fastapi.security import HTTPBearer

from serving.http.problems import problem
from serving.http.public_keys import PublicKeys
from serving.http.tokens import authenticate

BEARER = HTTPBearer(bearerFormat="JWT", description="sub = user id, aud = feedlake, exp", auto_error=False)
"""How OpenAPI describes the token."""


@dataclass(frozen=True)
class TokenRules:
    """The rules of a valid token; ``keys`` are those that may sign one beside the secret."""

    secret: bytes
    audience: str
    max_lifetime_s: int
    keys: PublicKeys | None = None


def asking_user(request: Request) -> int:
    """The user whom the request's token proves; raises ``TokenError``."""
    rules: TokenRules = request.app.state.tokens
    header = request.headers.get("authorization")
    return authenticate(header, rules.secret, rules.audience, rules.max_lifetime_s, rules.keys)


def unauthorized(detail: str, request: Request) -> Response:
    """401 with the challenge of RFC 6750: without a token it names no error."""
    challenge = "Bearer"
    if request.headers.get("authorization"):
        challenge = f'Bearer error="invalid_token", error_description="{detail}"'
    return problem(HTTPStatus.UNAUTHORIZED, detail, request.state.request_id, {"WWW-Authenticate": challenge})
