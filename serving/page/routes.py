"""The page's routes: its files, users to choose from, a token for the chosen one, and what they do."""

import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from http import HTTPStatus
from pathlib import Path
from typing import Annotated, Literal

from fastapi import Depends, FastAPI, HTTPException, Request, Response
from fastapi import Path as InPath
from pydantic import BaseModel
from redis.asyncio import Redis
from redis.exceptions import RedisError

from serving.http.auth import TokenRules
from serving.http.problems import problem
from serving.http.tokens import mint_token
from serving.page.config import PageConfig
from serving.page.forwarding import Collector
from serving.page.users import ChoosableUser, users_with_feeds

FOLDER = Path(__file__).parent / "files"
_MEDIA = {".html": "text/html", ".css": "text/css", ".js": "text/javascript", ".svg": "image/svg+xml"}
_LOOPBACK = re.compile(r"(127\.0\.0\.1|localhost|\[::1\])(:\d{1,5})?", re.IGNORECASE)
_ACTION = re.compile(r"/api/v1/posts/[^/]+/(like|comments|share|hide|report)")
_INT64 = 2**63
_POLICY = "; ".join(
    (
        "default-src 'none'",
        *(f"{kind}-src 'self'" for kind in ("script", "style", "connect", "img")),
        *("base-uri 'none'", "form-action 'none'", "frame-ancestors 'none'"),
        *("require-trusted-types-for 'script'", "trusted-types 'none'"),
    )
)
HEADERS = {
    "Content-Security-Policy": _POLICY,
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cache-Control": "no-cache",
}
"""Headers of every file: no content of other origins, nothing inline, and no text that becomes markup."""

Action = Literal["like", "comments", "share", "hide", "report"]
Id = Annotated[str, InPath(pattern=r"^-?[0-9]{1,19}$", description="a 64-bit id")]


class GivenToken(BaseModel):
    """A token that proves its bearer to be the chosen user, for a short time."""

    token: str
    lifetime_s: int


class PageState(BaseModel):
    """What the page can do now."""

    takes_actions: bool


def route_of(path: str) -> str | None:
    """The page's route that a path belongs to; None if it belongs to no route."""
    if path in ("/", "/page/users", "/page/state", "/api/v1/posts"):
        return path
    if path.startswith("/page/"):
        return "/page/users/{user_id}/token" if path.endswith("/token") else "/page/{file}"
    found = _ACTION.fullmatch(path)
    return f"/api/v1/posts/{{post_id}}/{found[1]}" if found else None


def from_this_machine(request: Request) -> None:
    """Refuse a request that names another host: a foreign site whose name was pointed at this machine."""
    if not _LOOPBACK.fullmatch(request.headers.get("host", "")):
        raise HTTPException(HTTPStatus.MISDIRECTED_REQUEST, "the page is for this machine only")


@asynccontextmanager
async def open_page(app: FastAPI, config: PageConfig) -> AsyncIterator[None]:
    """What the page's routes use while the application lives."""
    app.state.page_redis, app.state.collector = Redis.from_url(config.redis_url), Collector(config)
    yield
    await app.state.page_redis.aclose()
    await app.state.collector.close()


def add_page(app: FastAPI, config: PageConfig, tokens: TokenRules) -> None:
    """Add the page's routes, for this machine only."""

    async def get_users(request: Request) -> list[ChoosableUser]:
        return await users_with_feeds(request.app.state.page_redis, config.users)

    async def post_token(user_id: Id) -> Response:
        if not -_INT64 <= int(user_id) < _INT64:
            raise HTTPException(HTTPStatus.BAD_REQUEST, "user_id: must be a 64-bit integer")
        token = mint_token(int(user_id), tokens.secret, tokens.audience, config.token_lifetime_s)
        body = GivenToken(token=token, lifetime_s=config.token_lifetime_s).model_dump_json()
        return Response(body, headers={"Cache-Control": "no-store"}, media_type="application/json")

    async def get_state(request: Request) -> PageState:
        return PageState(takes_actions=await request.app.state.collector.is_ready())

    def add(path: str, handler: object, method: str = "GET") -> None:
        app.add_api_route(
            path,
            handler,  # type: ignore[arg-type]
            methods=[method],
            dependencies=[Depends(from_this_machine)],
            include_in_schema=False,
        )

    add("/page/users", get_users)
    add("/page/users/{user_id}/token", post_token, "POST")
    add("/page/state", get_state)
    add("/api/v1/posts", post_post, "POST")
    add("/api/v1/posts/{post_id}/{action}", post_action, "POST")
    add("/api/v1/posts/{post_id}/like", delete_like, "DELETE")
    for file in sorted(FOLDER.iterdir()):
        add("/" if file.name == "index.html" else f"/page/{file.name}", _answer_with(file))
    app.add_exception_handler(RedisError, _redis_is_away)


async def post_post(request: Request) -> Response:
    """Make a post."""
    collector: Collector = request.app.state.collector
    return await collector.forward(request, "/api/v1/posts")


async def post_action(request: Request, post_id: Id, action: Action) -> Response:
    """Like, comment, share, hide or report a post."""
    collector: Collector = request.app.state.collector
    return await collector.forward(request, f"/api/v1/posts/{post_id}/{action}")


async def delete_like(request: Request, post_id: Id) -> Response:
    """Take back a like."""
    collector: Collector = request.app.state.collector
    return await collector.forward(request, f"/api/v1/posts/{post_id}/like")


def _answer_with(file: Path) -> object:
    body, media_type = file.read_bytes(), _MEDIA[file.suffix]

    async def get_file() -> Response:
        return Response(body, headers=HEADERS, media_type=media_type)

    return get_file


async def _redis_is_away(request: Request, error: Exception) -> Response:
    del error
    return problem(HTTPStatus.SERVICE_UNAVAILABLE, "Redis does not answer: type a user's id", request.state.request_id)
