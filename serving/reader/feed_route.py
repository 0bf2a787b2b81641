"""The feed's route: FastAPI documents it and refuses wrong parameters; a plain request is answered before FastAPI."""

import re
from http import HTTPStatus
from typing import Annotated, Any, get_args

from fastapi import Query, Request, Response
from starlette.types import ASGIApp, Receive, Scope, Send

from serving.http.auth import asking_user, unauthorized
from serving.http.problems import problem
from serving.http.tokens import TokenError
from serving.reader.cursor import CursorError
from serving.reader.feed import NothingToServeError
from serving.reader.metrics import FEED_PATH
from serving.reader.pages import FeedRequest
from serving.reader.responses import render_page
from serving.reader.selection import FeedFilter

_MAX_COUNT = 50
_DEFAULT_COUNT = 20
_DEFAULT_FILTER: FeedFilter = "all"
_PLAIN_VALUES = {
    b"cursor": re.compile(rb"[A-Za-z0-9_-]+"),
    b"count": re.compile(rb"[1-9][0-9]?"),
    b"filter": re.compile("|".join(get_args(FeedFilter)).encode()),
}
"""The parameters, and values that mean the same before and after URL decoding."""


class PlainFeed:
    """ASGI middleware: answers a plain request for a feed; FastAPI answers every other request.

    FastAPI's routing and checks of parameters take about a quarter of a feed's time.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one request."""
        parameters = None
        if scope["type"] == "http" and scope["method"] == "GET" and scope["path"] == FEED_PATH:
            parameters = plain_parameters(scope["query_string"])
        if parameters is None:
            await self._app(scope, receive, send)
            return
        response = await answer_feed(Request(scope), **parameters)
        await response(scope, receive, send)


def plain_parameters(query: bytes) -> dict[str, Any] | None:
    """The parameters of ``answer_feed`` in a query string; None if FastAPI must parse them."""
    parameters: dict[str, Any] = {"cursor": None, "count": _DEFAULT_COUNT, "feed_filter": _DEFAULT_FILTER}
    names: set[bytes] = set()
    for part in query.split(b"&") if query else ():
        name, _, value = part.partition(b"=")
        if name in names or name not in _PLAIN_VALUES or not _PLAIN_VALUES[name].fullmatch(value):
            return None
        names.add(name)
        parameters["feed_filter" if name == b"filter" else name.decode()] = (
            int(value) if name == b"count" else value.decode()
        )
    return parameters if parameters["count"] <= _MAX_COUNT else None


async def get_feed(
    request: Request,
    cursor: Annotated[str | None, Query(description="`next_cursor` of the page before")] = None,
    count: Annotated[int, Query(ge=1, le=_MAX_COUNT)] = _DEFAULT_COUNT,
    filter: FeedFilter = _DEFAULT_FILTER,  # noqa: A002 - the parameter's public name
) -> Response:
    """The asking user's feed, best first (newest first with `filter=chronological`)."""
    return await answer_feed(request, cursor, count, filter)


async def answer_feed(request: Request, cursor: str | None, count: int, feed_filter: FeedFilter) -> Response:
    """The answer to one request whose parameters are allowed ones."""
    state, request_id = request.app.state, request.state.request_id
    try:
        user_id = asking_user(request)
    except TokenError as error:
        return unauthorized(str(error), request)
    try:
        feed_request = FeedRequest(user_id, count, feed_filter, cursor, state.arm_of(user_id))
        page = await state.reader.page(feed_request)
    except CursorError as error:
        return problem(HTTPStatus.BAD_REQUEST, str(error), request_id)
    except NothingToServeError as error:
        return problem(HTTPStatus.SERVICE_UNAVAILABLE, str(error), request_id, {"Retry-After": "1"})
    request.state.served_from = page.source.level
    state.recorder.note(feed_request, page)
    headers = {"Cache-Control": "no-store"}
    return Response(
        render_page(page, request.state.started, feed_request.arm), headers=headers, media_type="application/json"
    )
